"""A pytest fixture for a user's own tests: ``not_worse``. Imports nothing heavy until it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from genbench.runner.regression import Outcome


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the fixture."""
    group = parser.getgroup("genbench")
    group.addoption(
        "--genbench-confirm",
        action="store_true",
        help="train what breaks a gate again with fresh seeds before a test fails",
    )
    group.addoption(
        "--genbench-device", default="auto", choices=("auto", "cpu", "cuda"), help="where not_worse trains"
    )


@pytest.fixture
def not_worse(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Outcome]:
    """``not_worse(suite, baseline, models=[...])``: run a suite, fail the test if it breaks a gate.

    As ``genbench.assert_not_worse``, with paths of a suite and a run: both relative to pytest's root folder.
    Results go to the test's own ``tmp_path``; device and confirmation come from the command line where the
    call does not say them.
    """

    def run(
        suite: str | Path,
        baseline: str | Path,
        *,
        models: Sequence[str] = (),
        metrics: Sequence[str] = (),
        confirm: bool | None = None,
        device: str | None = None,
        out: str | Path | None = None,
    ) -> Outcome:
        from genbench.runner.regression import assert_not_worse

        __tracebackhide__ = True  # the message says it all
        root = request.config.rootpath
        return assert_not_worse(
            root / suite,
            root / baseline,
            models=models,
            metrics=metrics,
            confirm=request.config.getoption("--genbench-confirm") if confirm is None else confirm,
            device=device or request.config.getoption("--genbench-device"),
            out=tmp_path if out is None else out,
        )

    return run
