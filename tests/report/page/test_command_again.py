"""The command that repeats a run, told from its files."""

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


def test_a_run_of_the_file_as_it_is() -> None:
    assert command_of(GIVEN, resolved()) == "genbench run suite.toml"
    assert (
        command_of(GIVEN, {}) == command_of({}, resolved()) == command_of({}, {}) == "genbench run suite.toml"
    )


def test_values_that_differ_were_set() -> None:
    assert command_of(GIVEN, resolved(seeds=2)) == "genbench run suite.toml --set seeds=2"
    said = command_of(
        GIVEN, resolved(train={"steps": 9, "precision": "float32", "lanes": 3}, measures=["a", "b"])
    )
    assert said == (
        'genbench run suite.toml --set \'measures=["a", "b"]\' --set train.steps=9 '
        "--set train.precision=float32"
    )
    inner = {"latent": 2, "generator": {"hidden": [8], "batch_norm": True}}
    cohorts = [{"label": "gan", "options": inner}, {"label": "big gan", "options": {"latent": 64}}]
    assert command_of(GIVEN, resolved(cohort=cohorts)).endswith("--set model.gan.generator.batch_norm=true")


def test_models_that_were_chosen_are_named() -> None:
    chosen = [{"label": "big gan", "options": {"latent": 64}}]
    assert command_of(GIVEN, resolved(cohort=chosen)) == "genbench run suite.toml --model 'big gan'"


def test_a_quick_run_says_no_more_than_that() -> None:
    assert command_of(GIVEN, resolved(quick=True, seeds=1)) == "genbench run suite.toml --quick"


@pytest.mark.parametrize(
    "odd", [{"cohort": 3}, {"cohort": [3, {}]}, {"train": []}, {"cohort": [{"label": {}}]}]
)
def test_odd_files_do_no_harm(odd: dict[str, object]) -> None:
    assert command_of(GIVEN, resolved(**odd)).startswith("genbench run suite.toml")
    assert command_of({"model": 3, "train": 4}, resolved()).startswith("genbench run suite.toml")
