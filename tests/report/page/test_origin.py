"""Files beside the records of a run, as a page reads them."""

import json
import shutil
from pathlib import Path

import pytest
from hostile_run import write_run
from many_models import many_models

from genbench.report.page.origin import Execution, Origin, duration, origin_of
from genbench.store.loaded import load_runs

TIMES = "timing.json is damaged: some of its times are no number of seconds."
COHORT = "resolved.json is damaged: its cohort is no list of tables."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's directory with nothing wrong in it."""
    folder = write_run(tmp_path_factory.mktemp("origin") / "made", many_models(1, 1, 1))
    shutil.rmtree(folder / "grids")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to do damage to."""
    return shutil.copytree(made, tmp_path / "run")


def origin(folder: Path) -> Origin:
    (run,) = load_runs([folder])
    return origin_of(run)


def test_what_a_run_writes_is_read_whole(folder: Path) -> None:
    found = origin(folder)
    assert found.problems == ()
    assert found.question == 'Is </style><b>this</b> & that "safe"?' and found.toml.lstrip().startswith(
        "name"
    )
    assert json.loads(found.options)["cohort"] == [{"label": "gan", "options": {"latent": 2}}]
    (environment,) = found.environments
    assert (environment.name, dict(environment.facts)["packages"]) == ("e41f09", "torch 2.13")
    assert found.executions == (Execution("8 min 54 s", (("training", "5 min 53 s"),)),)


def test_phases_stand_longest_first_without_those_of_no_time(folder: Path) -> None:
    phases = {"quick": 0.05, "none": 0.049, "long": 7200.4, "short": 10.0}
    (folder / "timing.json").write_text(json.dumps([{"wall_s": 7300, "phases_s": phases}, {"wall_s": 1}]))
    one, other = origin(folder).executions
    assert one == Execution("2 h 1 min", (("long", "2 h 0 min"), ("short", "10 s"), ("quick", "0.1 s")))
    assert other == Execution("1.0 s", ())


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0.0 s"), (9.94, "9.9 s"), (10.0, "10 s"), (59.9, "60 s"), (60.0, "1 min 0 s"),
     (534.3, "8 min 54 s"), (3599.4, "59 min 59 s"), (3600.0, "1 h 0 min"), (7500.0, "2 h 5 min")],
)  # fmt: skip
def test_times_in_words(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize("name", ["suite.toml", "resolved.json", "environment.json", "timing.json"])
def test_a_file_that_is_missing_or_too_large_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert origin(folder).problems == (f"{name} is missing.",)
    (folder / name).write_text("9" * 1_000_001)
    assert origin(folder).problems == (f"{name} is larger than 1000 kB and was left out.",)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("suite.toml", "{", "suite.toml is damaged: it holds no TOML."),
        ("resolved.json", "{", "resolved.json is damaged: it holds no JSON."),
        ("resolved.json", "[]", "resolved.json is damaged: it holds no table."),
        ("resolved.json", '{"cohort": 3}', COHORT),
        ("resolved.json", '{"cohort": [3]}', COHORT),
        ("resolved.json", '{"train": []}', "resolved.json is damaged: its train is no table."),
        ("environment.json", "\x00", "environment.json is damaged: it holds no JSON."),
        ("environment.json", "[1, 2]", "environment.json is damaged: it holds no table."),
        ("timing.json", '{"wall_s": 3}', "timing.json is damaged: it holds no list."),
        *(("timing.json", f"[{one}]", TIMES) for one in (
            "3", "{}", '{"wall_s": true}', '{"wall_s": -1}', '{"wall_s": 1e9}',
            '{"wall_s": 1, "phases_s": [2]}', '{"wall_s": 1, "phases_s": {"a": "b"}}',
        )),
    ],
)  # fmt: skip
def test_what_is_of_another_type_than_a_run_writes_is_damaged(
    folder: Path, name: str, content: str, problem: str
) -> None:
    (folder / name).write_text(content)
    assert origin(folder).problems == (problem,)
