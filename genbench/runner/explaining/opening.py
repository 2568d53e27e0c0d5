"""A trained trial opened again: its generator, and the data that it was trained on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from genbench.core.errors import CheckpointError, DataError, GenbenchError, RecordError, UnknownName, told_by
from genbench.core.record import OUTCOME, Status
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Reference
from genbench.measures.generator import Generator
from genbench.runner.opened import generator_of
from genbench.runner.prepare import load_datasets
from genbench.runner.provenance import suite_of
from genbench.runner.sample import find_checkpoint, restored
from genbench.store.journal import read_records
from genbench.store.rundir import RunDirectory
from genbench.train.checkpoint import Header, load
from genbench.train.state import lane_tensors

_TRIED = 64  # samples that must be finite


@dataclass(frozen=True, eq=False)
class Opened:
    """A trial to look into.

    Attributes:
        header: what its checkpoint says.
        generator: the lane as functions.
        run: the run it lies in; ``None`` for a checkpoint elsewhere.
        reference: the data it was trained on; ``None`` where that cannot be had.
        without_data: why not; empty where it could.
        ended: how training ended where it did not come to its end; empty where it did or nobody knows.
    """

    header: Header
    generator: Generator
    run: RunDirectory | None
    reference: Reference | None
    without_data: str
    ended: str


def open_trial(trial: str | Path, results: Path, device: torch.device) -> Opened:
    """Open a trial by the name that a person gives.

    Raises:
        CheckpointError: no such trial, a damaged checkpoint, a model that is not here or gives numbers that
            are not finite.
        GenbenchError: the model makes points, or its latent is no vector.
        RecordError: no such run.
    """
    path = find_checkpoint(trial, results)
    (header,), state = load([path], device=device)
    what = f"checkpoint {path} is of a model {header.model!r}"
    if not header.data.is_image:
        raise GenbenchError(
            f"{what} of {header.data.name}, which are points: the page is made of pictures of samples, so "
            "it is for models of images. Draw the points with `genbench sample`."
        )
    try:
        model = restored(header, state)
        generator = generator_of(model, header.data, lane_tensors(state, 0), header.seed, device)
        with torch.no_grad():
            finite = bool(generator.decode(generator.draw(_TRIED, "explain", "finite")).isfinite().all())
    except UnknownName as error:
        raise CheckpointError(f"{what} that is not here: {error} Give its file with --plugin.") from error
    except GenbenchError:
        raise
    except ValueError as error:  # a latent that is no vector, networks that are not those of the tensors
        raise GenbenchError(f"{what} that cannot be explained: {error}.") from error
    except Exception as error:
        raise CheckpointError(
            f"{what} that cannot be drawn from: {told_by(error)}. If the model was changed "
            f"since (this is of genbench {header.code}), train it again."
        ) from error
    if not finite:
        raise CheckpointError(f"{what} that gives numbers that are not finite: the trial has diverged.")
    run = _run_of(path)
    data = _data_of(run, header)
    return Opened(
        header,
        generator,
        run,
        Reference(data, device) if isinstance(data, Dataset) else None,
        "" if isinstance(data, Dataset) else data,
        _end_of(run, header),
    )


def _run_of(checkpoint: Path) -> RunDirectory | None:
    """The run that a checkpoint lies in, as ``RUN/trials/TRIAL/checkpoint.safetensors``."""
    folders = checkpoint.absolute().parents
    if len(folders) < 3 or folders[1].name != "trials":
        return None
    run = RunDirectory(folders[2])
    return run if run.records.is_file() else None


def _data_of(run: RunDirectory | None, header: Header) -> Dataset | str:
    """The data, loaded as the run did, its fallback rule included; or why it cannot be had.

    What has the name but not the content that the run had is other data.
    """
    name = header.data.name
    if run is None:
        return "the checkpoint lies outside of a run, so nothing says how to load the data it was trained on."
    try:
        suite = suite_of(run)
        content = json.loads(run.resolved.read_text(encoding="utf-8"))
        trained_on = {data["hash"] for data in content["dataset"] if data["name"] == name}
    except (RecordError, OSError, ValueError, KeyError, TypeError) as error:
        return f"the run does not say how to load it: {error}"
    problems = []
    # those that bear the name first, so that no other data is loaded where they are there
    entries = sorted(suite.dataset, key=lambda e: name not in (e.name, e.fallback, e.options.get("label")))
    for entry in entries:
        try:
            (loaded,) = load_datasets(suite.model_copy(update={"dataset": (entry,)}))
        except DataError as error:
            problems.append(str(error))
            continue
        if loaded.data.info == header.data:
            if loaded.spec.hash in trained_on:
                return loaded.data
            problems.append(
                f"what is found as {name} here ({loaded.data.source}) differs from what it was trained on "
                f"(content {loaded.spec.hash}, not {', '.join(sorted(trained_on))})."
            )
    return " ".join(problems) or f"no data set of the run's suite is called {name} here."


def _end_of(run: RunDirectory | None, header: Header) -> str:
    """How the trial ended, where it did not come to its end."""
    if run is None:
        return ""
    ends = [r for r in read_records(run.records) if r.metric == OUTCOME and r.trial == header.trial]
    if not ends:
        return "its training has not come to its end yet, or was killed."
    return "" if ends[-1].status is Status.DONE else f"{ends[-1].status}: {ends[-1].reason}"
