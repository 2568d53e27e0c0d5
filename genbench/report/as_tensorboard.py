"""Runs as files for TensorBoard: a run of its own for each trial, from the records and what lies beside them.

Its scalars are the trial's metrics at every step, and its losses where the run kept them. Its options stand
in the tab HPARAMS, where the seeds of a model are repetitions of one setting. Files are named and dated by
the records alone, so that a run always gives the same files.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.analyse.standing import last_attempts
from genbench.core.bounded import MIB
from genbench.core.errors import GenbenchWarning, OutputError, RecordError
from genbench.core.record import CONTROLS, OUTCOME, Record, Status
from genbench.report.figures.catalogue import file_name
from genbench.report.own_files import read_own
from genbench.report.tensorboard_events import Options, file_of, image, scalar, session, text
from genbench.report.untrusted import clean
from genbench.store.atomic import write_bytes
from genbench.store.curves import read_curves
from genbench.store.loaded import LoadedRun, distinct_names
from genbench.store.rundir import RunDirectory

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

_EVENTS = "tfevents"  # what TensorBoard takes for its own, in the name of a file
_ALL_SEEDS = "all-seeds"
_MOST_BYTES = 32 * MIB


def write_tensorboard(runs: Sequence[LoadedRun], folder: Path) -> int:
    """Write ``<suite>/<run>/<dataset>/<model>/seed-<n>/`` for every trial.

    Beside the seeds of a model stands ``all-seeds``, with the throughput of all of them together; in
    ``<suite>/<run>`` itself are the suite's file and the sample grids. Control rows are left out: nothing was
    trained there.

    Args:
        runs: what to write.
        folder: TensorBoard's ``--logdir``; it may hold other runs already.

    Returns:
        How many trials there are.

    Raises:
        OutputError: tensorboard is not installed, a run is there already, or a file cannot be written.
        RecordError: a file of a run is damaged.

    Warns:
        GenbenchWarning: a sample grid is no PNG.
    """
    try:
        import tensorboard.compat.proto.event_pb2  # noqa: F401
    except ImportError as error:
        raise OutputError(
            "files for TensorBoard are written with its own package, which is not installed: "
            "pip install 'genbench[tensorboard]'. Or choose --format csv."
        ) from error
    homes = _homes(runs, folder)
    for home in homes:
        if there := next(home.glob(f"**/*{_EVENTS}*"), None):
            raise OutputError(
                f"{there} is there already, and TensorBoard would draw both. Remove {home}, or choose "
                "another folder with -o DIR."
            )
    # all of them first: a damaged run must not leave the others half-written
    found = [_files(run, home) for run, home in zip(runs, homes, strict=True)]
    trials = 0
    for path, events in (item for files in found for item in files.items()):
        began = int(min(event.wall_time for event in events))
        write_bytes(path / f"events.out.{_EVENTS}.{began:010d}.genbench", file_of(events))
        trials += path.name.startswith("seed-")
    return trials


def _homes(runs: Sequence[LoadedRun], folder: Path) -> list[Path]:
    """A folder for each run, none twice."""
    homes = [folder / file_name(r.records[0].suite) / file_name(r.records[0].run) for r in runs]
    shorts = distinct_names([run.asked for run in runs])
    return [
        home if homes.count(home) == 1 else home.with_name(f"{home.name}-{file_name(short)}")
        for home, short in zip(homes, shorts, strict=True)
    ]


def _files(run: LoadedRun, home: Path) -> dict[Path, list[Event]]:
    """The events of one run by the folder they go to."""
    options = _options(run.directory)
    trials: dict[tuple[str, str, int | None, str], list[Record]] = {}
    for record in last_attempts(run.records):
        if record.model not in CONTROLS:
            key = (record.dataset, record.model, record.seed, record.trial)
            trials.setdefault(key, []).append(record)
    files: dict[Path, list[Event]] = {}
    if about := list(_about(run)):
        files[home] = about
    models: dict[Path, tuple[str, str]] = {}
    for (dataset, model, seed, trial), records in trials.items():
        path = home / file_name(dataset) / file_name(model)
        while models.setdefault(path, (dataset, model)) != (dataset, model):  # as "a b" and "a_b" would
            path = path.with_name(f"{path.name}_")
        path /= _ALL_SEEDS if seed is None else f"seed-{seed}"
        while path in files:  # a cohort that was trained in parts
            path = path.with_name(f"{path.name}_")
        files[path] = list(_metrics(records))
        if seed is not None:
            files[path] += [
                *_losses(run.directory, trial, records),
                *_settings(options.get(trial, {}), records),
            ]
    return {path: events for path, events in files.items() if events}


def _metrics(records: Sequence[Record]) -> Iterator[Event]:
    last = {(record.metric, record.step): record for record in records}  # a resumed run repeats some
    for record in last.values():
        if record.value is not None and record.status is Status.DONE:
            yield scalar(record.metric, record.value, record.step, _seconds(record))


def _losses(directory: RunDirectory | None, trial: str, records: Sequence[Record]) -> Iterator[Event]:
    """Losses are not dated: theirs is the time of the next record."""
    curves = read_curves(directory.trial(trial).curves) if directory else None
    if curves is None:
        return
    dated = sorted((record.step, _seconds(record)) for record in records)
    for place, step in enumerate(curves.steps):
        at = next((at for reached, at in dated if reached >= step), dated[-1][1])
        for name, values in curves.values.items():
            if (value := values[place]) is not None:
                yield scalar(name, value, step, at)


def _settings(options: Options, records: Sequence[Record]) -> tuple[Event, ...]:
    first, last = records[0], records[-1]
    group = "/".join(map(clean, (first.suite, first.run, first.dataset, first.model)))
    about = {"model": clean(first.model), "dataset": clean(first.dataset), **options}
    done = last.status is Status.DONE if last.metric == OUTCOME else None
    times = [_seconds(record) for record in records]
    return session(about, group, min(times), max(times), done)


def _about(run: LoadedRun) -> Iterator[Event]:
    """The suite's file as text, and the sample grids as images."""
    if run.directory is None:
        return
    if run.directory.suite_file.is_file():
        content = _read(run.directory, run.directory.suite_file).decode("utf-8", "replace")
        yield text("suite", content, min(map(_seconds, run.records)))
    step, at = max((record.step, _seconds(record)) for record in run.records)
    for path in sorted(run.directory.grids.glob("*.png")):
        try:
            yield image(f"samples/{path.stem}", _read(run.directory, path), step, at)
        except (OSError, ValueError, SyntaxError):
            warnings.warn(GenbenchWarning(f"{path} is not a PNG and is left out."), stacklevel=2)


def _options(directory: RunDirectory | None) -> dict[str, Options]:
    """By trial, what ``resolved.json`` says of it; nothing where there is no such file."""
    if directory is None or not directory.resolved.is_file():
        return {}
    try:
        suite = json.loads(_read(directory, directory.resolved))
        train = dict(_flat(suite["train"], "train."))
        return {
            trial: {**dict(_flat(cohort["options"])), **train}
            for cohort in suite["cohort"]
            for trial in cohort["trials"]
        }
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise RecordError(
            f"{directory.resolved} is not what a run writes ({type(error).__name__}: {error}). Restore it "
            "from a copy, or delete it: the options are then left out."
        ) from error


def _flat(options: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str | bool | float]]:
    """``generator.batch_norm`` and the like, as truth values, numbers or text."""
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield clean(before + name), float(value)
        else:
            told = value if isinstance(value, bool | str) else json.dumps(value)
            yield clean(before + name), clean(told) if isinstance(told, str) else told


def _seconds(record: Record) -> float:
    """When a record was written, in seconds since 1970; 0 where it does not say."""
    try:
        at = datetime.fromisoformat(record.at)
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0.0


def _read(directory: RunDirectory, path: Path) -> bytes:
    try:
        return read_own(directory.path, path, _MOST_BYTES)
    except OSError as error:
        raise RecordError(
            f"cannot read {path}: {error.strerror or error}. Mend that, or restore the file from a copy."
        ) from error
