"""pytest plugin: how long each test takes, and which fixtures it shares with other tests.

The lines that a shared fixture runs are noted as the fixture's, not as those of the first test that asks for
it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

FOLDER = "GENBENCH_OBSERVED"
"""Environment variable: folder to write to, one file a process."""

FIXTURE = "fixture"
"""Phase of the contexts of shared fixtures; those of tests have pytest-cov's: setup, run, teardown."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Write one line a test: id, seconds, fixtures that are made once for several tests."""
    began = _processor_seconds()
    result = yield
    definitions = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    shared = [_name(one) for several in definitions.values() for one in several if one.scope != "function"]
    line = {"id": item.nodeid, "seconds": _processor_seconds() - began, "shared": shared}
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with (Path(os.environ[FOLDER]) / f"{worker}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return result


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Iterator[None]:
    """Give the lines of a shared fixture a context of their own."""
    measuring = coverage.Coverage.current()
    if measuring is None or fixturedef.scope == "function":
        return (yield)
    outer = _contexts[-1] if _contexts else f"{request._pyfuncitem.nodeid}|setup"
    _contexts.append(f"{_name(fixturedef)}|{FIXTURE}")
    measuring.switch_context(_contexts[-1])
    try:
        return (yield)
    finally:
        _contexts.pop()
        measuring.switch_context(outer)


_contexts: list[str] = []


def _name(fixture: pytest.FixtureDef[object]) -> str:
    return f"{fixture.baseid}::{fixture.argname}"


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
