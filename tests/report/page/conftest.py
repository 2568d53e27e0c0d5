"""The page of a run with names and files that nobody would wish for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_run import hostile_records, write_run

from genbench.analyse.merge import merged
from genbench.report.page.page import build_report
from genbench.store.loaded import load_runs


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the hostile run."""
    return write_run(tmp_path_factory.mktemp("page") / "many" / "run", hostile_records())


@pytest.fixture(scope="session")
def page(run_folder: Path) -> str:
    """Its page, with all figures."""
    return build_report(merged(load_runs([run_folder])))


@pytest.fixture
def quick_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Pages without figures, which take most of the time."""
    monkeypatch.setattr("genbench.report.figures.catalogue.plots", lambda _: iter(()))
    return lambda *runs: build_report(merged(load_runs(list(runs))))
