"""pytest plugin: how long each test takes, and which fixtures it shares with other tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = "GENBENCH_OBSERVED"
"""Environment variable: folder to write to, one file a process."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Write one line a test: id, seconds, fixtures that are made once for several tests."""
    began = _processor_seconds()
    result = yield
    definitions = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    shared = [
        f"{one.baseid}::{one.argname}"
        for several in definitions.values()
        for one in several
        if one.scope in ("session", "package", "module", "class") and not _is_everywhere(one)
    ]
    line = {"id": item.nodeid, "seconds": _processor_seconds() - began, "shared": shared}
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with (Path(os.environ[FOLDER]) / f"{worker}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return result


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _is_everywhere(fixture: pytest.FixtureDef[object]) -> bool:
    """True for fixtures of pytest and its plugins, which run none of the package's lines."""
    return fixture.func.__module__.split(".")[0] in (
        "_pytest",
        "pytest",
        "xdist",
        "hypothesis",
        "pytest_benchmark",
    )
