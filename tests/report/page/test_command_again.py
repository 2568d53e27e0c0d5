"""The command that repeats a run: as it was written down, else told from its files."""

from typing import Any

import pytest

from genbench.report.page.again import command_of

GIVEN = {
    "name": "s",
    "seeds": 5,
    "measures": ["modes"],
    "train": {"steps": 100, "precision": "auto"},
    "model": [
        {"name": "gan", "latent": 2, "generator": {"hidden": [8], "batch_norm": False}},
        {"name": "gan", "label": "big gan", "latent": 64},
    ],
}


def resolved(**change: object) -> dict[str, object]:
    cohorts = [
        {
            "label": "gan",
            "options": {"latent": 2, "clip": 1, "generator": {"hidden": [8], "batch_norm": False}},
        },
        {"label": "big gan", "options": {"latent": 64}},
    ]
    train = {"steps": 100, "precision": "auto", "lanes": "auto"}
    return {"name": "s", "seeds": 5, "measures": ["modes"], "train": train, "cohort": cohorts, **change}


def guessed(given: dict[str, Any], decided: dict[str, object]) -> str:
    """The command of a run that has not written it down."""
    command = command_of(given, decided)
    assert not command.known
    return command.text


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ({}, "genbench run suite.toml"),
        (
            {"set": ["train.steps=9", "model.big gan.latent=[1, 2]"], "model": ["gan"]},
            "genbench run suite.toml --set train.steps=9 --set 'model.big gan.latent=[1, 2]' --model gan",
        ),
        (
            {"quick": True, "seeds": 3, "set": ["train.steps=9"]},
            "genbench run suite.toml --quick --set train.steps=9 --seeds 3",
        ),
        ({"seeds": True, "quick": 1}, "genbench run suite.toml"),
    ],
)
def test_what_was_written_down_is_the_command(said: dict[str, object], command: str) -> None:
    given = {"set": [], "model": [], "seeds": None, "quick": False, **said}
    found = command_of(GIVEN, resolved(seeds=2, given=given))
    assert (found.text, found.known) == (command, True)


@pytest.mark.parametrize("odd", [3, [], {}, {"set": "x", "model": []}, {"set": [1], "model": []}])
def test_what_was_written_down_by_nobody_we_know_is_not_believed(odd: object) -> None:
    assert guessed(GIVEN, resolved(seeds=2, given=odd)) == "genbench run suite.toml --set seeds=2"


def test_a_run_of_the_file_as_it_is() -> None:
    assert guessed(GIVEN, resolved()) == "genbench run suite.toml"
    assert guessed(GIVEN, {}) == guessed({}, resolved()) == guessed({}, {}) == "genbench run suite.toml"


def test_values_that_differ_were_set() -> None:
    assert guessed(GIVEN, resolved(seeds=2)) == "genbench run suite.toml --set seeds=2"
    said = guessed(
        GIVEN, resolved(train={"steps": 9, "precision": "float32", "lanes": 3}, measures=["a", "b"])
    )
    assert said == (
        'genbench run suite.toml --set \'measures=["a", "b"]\' --set train.steps=9 '
        "--set train.precision=float32"
    )
    inner = {"latent": 2, "generator": {"hidden": [8], "batch_norm": True}}
    cohorts = [{"label": "gan", "options": inner}, {"label": "big gan", "options": {"latent": 64}}]
    assert guessed(GIVEN, resolved(cohort=cohorts)).endswith("--set model.gan.generator.batch_norm=true")


def test_models_that_were_chosen_are_named() -> None:
    chosen = [{"label": "big gan", "options": {"latent": 64}}]
    assert guessed(GIVEN, resolved(cohort=chosen)) == "genbench run suite.toml --model 'big gan'"


def test_a_quick_run_says_that_and_its_models() -> None:
    cut = resolved(quick=True, seeds=1)
    assert guessed(GIVEN, cut) == "genbench run suite.toml --quick"
    chosen = [{"label": "gan", "options": {"latent": 2}}]
    assert guessed(GIVEN, {**cut, "cohort": chosen}) == "genbench run suite.toml --quick --model gan"


@pytest.mark.parametrize(
    "odd", [{"cohort": 3}, {"cohort": [3, {}]}, {"train": []}, {"cohort": [{"label": {}}]}]
)
def test_odd_files_do_no_harm(odd: dict[str, object]) -> None:
    assert guessed(GIVEN, resolved(**odd)).startswith("genbench run suite.toml")
    assert guessed({"model": 3, "train": 4}, resolved()).startswith("genbench run suite.toml")
