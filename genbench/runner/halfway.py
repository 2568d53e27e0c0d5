"""What cohorts that are not done yet are continued from: in ``RUN/progress/``, a file and the one before it.

A file holds all lanes, so they are always of one step. It is used by the same code on the same machine only:
elsewhere the rest of a training would not be what it would have been, and the cohort begins anew.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import torch
from pydantic import ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from genbench.core.errors import CheckpointError, GenbenchWarning
from genbench.runner.cost import Spent
from genbench.runner.target import Goal, Track
from genbench.store.atomic import unwritable
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort
from genbench.train.checkpoint import read, write
from genbench.train.resume import Facts, pack, unpack
from genbench.train.trace import TraceSoFar
from genbench.train.training import Past

FORMAT = 1

Looks = tuple[tuple[int, float], ...]
"""(step, seconds) of each evaluation on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What such a file says of itself.

    Attributes:
        trials: ids, one a lane.
        made_by: what code, on what machine.
        records: numbers of these trials that were written before it, and are not written again.
        facts: of the training.
        looks: at it.
        met, best, closing: of its ``Track``.
        processes: the most that trained side by side so far.
        format: of the file.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    trials: tuple[str, ...]
    made_by: str
    records: int
    facts: Facts
    looks: Looks
    met: dict[int, Spent] = field(default_factory=dict)
    best: dict[int, tuple[float, int]] = field(default_factory=dict)
    closing: dict[int, list[str]] = field(default_factory=dict)
    processes: int = 1
    format: int = FORMAT


@dataclass(frozen=True, eq=False)
class Halfway:
    """A cohort in the middle of its training, or behind it and not measured yet."""

    past: Past
    trace: TraceSoFar | None
    looks: Looks
    track: Track
    processes: int = 1


def keep(
    directory: RunDirectory, cohort: Cohort, made_by: str, halfway: Halfway, *, records: int = 0
) -> None:
    """Write what the cohort can be continued from; what was written before becomes the second choice.

    Args:
        directory: of the run.
        cohort: which one.
        made_by: what is at work here.
        halfway: all of it.
        records: how many numbers of the cohort the journal has.

    Raises:
        OutputError: it cannot be written; what was there before still can be used.
    """
    file, before = _files(directory, cohort)
    facts, tensors = pack(halfway.past, halfway.trace)
    header = Header(
        trials=tuple(trial.id for trial in cohort.trials),
        made_by=made_by,
        records=records,
        facts=facts,
        looks=halfway.looks,
        met=halfway.track.met,
        best=halfway.track.best,
        closing=halfway.track.closing,
        processes=halfway.processes,
    )
    try:
        if file.exists():
            file.replace(before)
    except OSError as error:
        raise unwritable(before, error) from error
    write(file, json.dumps(asdict(header)), tensors)


def parts_halfway(directory: RunDirectory, cohort: Cohort) -> list[Cohort]:
    """The parts of a planned cohort that were in training, composed as they were: lanes are one program."""
    trials = {trial.id: trial for trial in cohort.trials}
    found: dict[str, Cohort] = {}
    for file in _found(directory, None):
        ids = _trials_in(file)
        if set(ids) <= trials.keys():
            part = Cohort(tuple(trials[trial] for trial in ids))
            found[part.id] = part
    order = list(trials)
    return sorted(found.values(), key=lambda part: order.index(part.trials[0].id))


def load_halfway(
    directory: RunDirectory,
    cohort: Cohort,
    made_by: str,
    goal: Goal | None,
    device: torch.device,
    *,
    records: int = 0,
) -> Halfway | None:
    """Where a cohort can be continued; ``None`` where it must begin.

    A damaged file is set aside with a warning, and the one before it is taken. Nor is one taken that is
    ahead of the journal, of which something was lost: that would never be measured again.

    Args:
        directory: of the run.
        cohort: which one, with all lanes that were trained together.
        made_by: what is at work here.
        goal: of the suite.
        device: where to.
        records: how many numbers of the cohort were in the journal when this process began.
    """
    for file in _files(directory, cohort):
        if not file.exists():
            continue
        try:
            text, tensors = read(file)
            header = _header(text)
            if header.trials != tuple(trial.id for trial in cohort.trials):
                raise CheckpointError("it is of other trials.")
            if header.made_by != made_by:
                warnings.warn(
                    f"{cohort.title} was in training with other code or on another machine, and begins anew: "
                    "continued here, its numbers would not be those of one training.",
                    GenbenchWarning,
                    stacklevel=2,
                )
                return None
            if header.records > records:
                _remove(file)
                continue
            past, trace = unpack(header.facts, tensors, device)
        except CheckpointError as error:
            aside = _set_aside(file)
            warnings.warn(
                f"{file.name} is damaged ({error}). It is set aside as {aside}; {cohort.title} is continued "
                "from what was written before it, or begins anew.",
                GenbenchWarning,
                stacklevel=2,
            )
            continue
        track = Track(goal, dict(header.met), dict(header.best), dict(header.closing))
        return Halfway(past, trace, header.looks, track, header.processes)
    return None


def forget(directory: RunDirectory, trials: Sequence[str], *, but: Cohort | None = None) -> None:
    """Remove what any cohort with one of these trials could be continued from, but for one cohort."""
    for file in _found(directory, but):
        if set(_trials_in(file)) & set(trials):
            _remove(file)


def forget_all(directory: RunDirectory) -> None:
    """Remove whatever a run that has come to its end was continued from; what was set aside stays."""
    for file in directory.progress.glob("*.safetensors"):
        _remove(file)
    with suppress(OSError):  # not empty, or not there
        directory.progress.rmdir()


def forget_done(directory: RunDirectory, done: Collection[str], *, but: Cohort | None = None) -> None:
    """Remove what cohorts could be continued from of which every trial is done, but for one cohort.

    The last one is spared until the next is done: should the end of the journal be lost with the power, its
    lanes are measured again from there, and not trained again.
    """
    for file in _found(directory, but):
        if set(_trials_in(file)) <= set(done):
            _remove(file)


def _files(directory: RunDirectory, cohort: Cohort) -> tuple[Path, Path]:
    """The file of a cohort, and the one before it."""
    name = directory.progress / cohort.id
    return name.with_suffix(".safetensors"), name.with_suffix(".before.safetensors")


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(file, error) from error


def _set_aside(file: Path) -> Path:
    aside = file.with_suffix(".damaged")
    try:
        file.replace(aside)
    except OSError as error:
        raise unwritable(aside, error) from error
    return aside


def _found(directory: RunDirectory, but: Cohort | None) -> list[Path]:
    """Every file that can be read, but for those of one cohort."""
    spared = _files(directory, but) if but else ()
    found = [file for file in sorted(directory.progress.glob("*.safetensors")) if file not in spared]
    return [file for file in found if _trials_in(file)]


def _trials_in(file: Path) -> tuple[str, ...]:
    """Whose lanes are in a file; none where it is damaged, which is told when it is to be read."""
    try:
        return _header(_metadata(file)).trials
    except CheckpointError:
        return ()


def _metadata(file: Path) -> str:
    """The header of a file, without reading its tensors or trusting it."""
    try:
        with safe_open(file, framework="pt") as content:
            return str((content.metadata() or {}).get("genbench", ""))
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"{file} is damaged: {error}.") from error


@cache
def _headers() -> TypeAdapter[Header]:
    return TypeAdapter(Header)


def _header(text: str) -> Header:
    try:
        header = _headers().validate_json(text)
    except ValidationError as error:
        raise CheckpointError(f"its header is not one: {error.errors()[0]['msg']}.") from error
    if header.format != FORMAT:
        raise CheckpointError(f"it has format {header.format}; this genbench reads format {FORMAT}.")
    return header
