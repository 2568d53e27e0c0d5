"""What compiling a program took on this machine, remembered from run to run."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path

import torch

from genbench.core.bounded import MIB, read_text
from genbench.core.errors import OutputError
from genbench.core.ids import content_hash
from genbench.core.paths import cache_dir
from genbench.store.atomic import write_text

FIRST_S = 10.0
"""Seconds to compile one player's update that was never compiled here: multilayer perceptrons took 3 to 10 on
two CPU cores, convolutional networks 15."""

_MOST = 500


def expected_cost(key: Hashable, *, players: int) -> float:
    """Seconds that compiling the program is expected to take: what it took last time, or a first guess.

    Args:
        key: everything the program depends on.
        players: updates to compile.
    """
    return _known().get(_name(key), FIRST_S * players)


def remember_cost(key: Hashable, seconds: float) -> None:
    """Keep what compiling took; where the cache cannot be written, nothing is kept."""
    known = {**_known(), _name(key): round(seconds, 1)}
    try:
        write_text(_file(), json.dumps(dict(list(known.items())[-_MOST:]), indent=1) + "\n")
    except OutputError:
        return  # a read-only home: the first guess must do


def _file() -> Path:
    return cache_dir() / "compile_seconds.json"


def _name(key: Hashable) -> str:
    return content_hash([torch.__version__, repr(key)])


def _known() -> dict[str, float]:
    try:
        content = json.loads(read_text(_file(), MIB))
    except (OSError, ValueError, RecursionError):
        return {}  # nothing yet, or damaged: it is written anew
    if not isinstance(content, dict):
        return {}
    return {name: value for name, value in content.items() if isinstance(value, float)}
