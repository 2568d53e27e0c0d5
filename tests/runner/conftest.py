import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

SUITE = """
name = "tiny"
question = "Does it run?"
seeds = 2
samples = 100

[train]
steps = 20
batch_size = 16
compile = "never"
precision = "float32"

[[dataset]]
name = "digits"

[[model]]
name = "gan"
latent = 8
generator = { hidden = [16] }
discriminator = { hidden = [16] }

[[model]]
name = "vae"
latent = 4
encoder = { hidden = [16] }
decoder = { hidden = [16] }
"""


class Told:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.begun: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def begin(self, cohort: str, steps: int) -> None:
        self.begun.append(cohort)

    def step(self, step: int, steps_per_s: float, losses: Any) -> None:
        pass

    def end(self) -> None:
        pass

    def beside(self) -> "Told":
        return self


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def told_all_along() -> Told:
    return Told()


@pytest.fixture(scope="session")
def tiny_suite(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """The tiny suite on digits with changes as on the command line."""
    path = tmp_path_factory.mktemp("suite") / "tiny.toml"
    path.write_text(SUITE)

    def load(*changes: str, **options: Any) -> Any:
        from genbench.suite.load import load_suite

        return load_suite(path, set_=changes, **options)

    return load


@pytest.fixture(scope="session")
def told_by_finished() -> Told:
    """All that the run ``finished`` told."""
    return Told()


@pytest.fixture(scope="session")
def finished(
    tiny_suite: Callable[..., Any], told_by_finished: Told, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """The tiny suite, evaluated on the way, run once for all tests that look at what it left.

    It is without figures and page, which take as long as everything else.
    """
    from genbench.runner.job import run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "genbench.runner.control_rows.CONTROL_SEEDS", 3
        )  # whatever the test that asks first has
        patch.setattr("genbench.runner.publish.write_plots", lambda records, folder: None)
        patch.setattr("genbench.runner.job.write_report", lambda directory: None)
        suite = tiny_suite("train.evaluate_every=8")
        return run(suite, out=tmp_path_factory.mktemp("finished"), reporter=told_by_finished)


@pytest.fixture(scope="session")
def numbers() -> Callable[[Sequence[Any], str], dict[tuple[Any, ...], Any]]:
    """All values of a family of metrics by what they are of."""

    def collect(records: Sequence[Any], family: str) -> dict[tuple[Any, ...], Any]:
        mine = (r for r in records if r.metric.startswith(family) and r.value is not None)
        return {(r.trial, r.model, r.seed, r.metric): r.value for r in mine}

    return collect


@pytest.fixture(scope="session")
def ends() -> Callable[[Sequence[Any]], dict[tuple[str, int | None], str]]:
    """How each trial ended, by model and seed; the last word counts."""

    def collect(records: Sequence[Any]) -> dict[tuple[str, int | None], str]:
        return {(r.model, r.seed): str(r.status) for r in records if r.metric == "trial.steps"}

    return collect


@pytest.fixture(scope="session")
def lines() -> Callable[[Path], list[dict[str, Any]]]:
    def read(path: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in path.read_text().splitlines()]

    return read
