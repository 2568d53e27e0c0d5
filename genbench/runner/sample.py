"""Images from checkpoints: ``genbench sample``, and the grids that a run leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from genbench.core.errors import CheckpointError, GenbenchError, PluginError, RecordError, UnknownName
from genbench.core.registry import models
from genbench.models.protocol import GenerativeModel
from genbench.report.grids import write_figure, write_grid
from genbench.store.journal import read_records
from genbench.store.rundir import RunDirectory, resolve_run
from genbench.suite.options import build
from genbench.suite.plan import ModelSpec, Trial
from genbench.train.checkpoint import Header, load
from genbench.train.device import choose_device
from genbench.train.sampling import sample_lanes

GRID_IMAGES = 10
"""Images of each seed in a run's grids."""

OVERVIEW_IMAGES = 16
"""Images of each model in the picture of them all."""

FIXED = "grid"
"""Names the stream of latents of every grid: the same noise in every lane, so that columns compare."""

CHECKPOINT = "checkpoint.safetensors"

PARTS = ("prior", "players", "networks", "sample")
"""What every model must have."""


def build_model(spec: ModelSpec | Header) -> GenerativeModel:
    """The model that a plan, or a checkpoint's header, describes.

    Raises:
        PluginError: what is registered under that name is not a generative model.
    """
    name = spec.name if isinstance(spec, ModelSpec) else spec.model
    model: GenerativeModel = build(models.get(name), spec.options, spec.label)[0]
    lacks = [part for part in PARTS if part not in dir(model)]
    if lacks:
        raise PluginError(
            f"model {name!r} ({models.origin(name)}) lacks {', '.join(lacks)}: what a model must have is in "
            "genbench/models/protocol.py."
        )
    return model


def sample(
    trial: str | Path, n: int = 64, *, seed: int = 0, device: str = "auto", results: str | Path = "results"
) -> NDArray[np.uint8]:
    """Draw images from a trained trial.

    Args:
        trial: ``RUN/TRIAL`` (with ``SUITE/latest`` as a RUN), a trial's folder, or a checkpoint file.
        n: how many.
        seed: another seed, other images.
        device: ``auto``, ``cpu`` or ``cuda``.
        results: folder in which runs are looked for.

    Returns:
        (n, C, H, W) uint8, 0 to 255.

    Raises:
        CheckpointError: no such trial, or its checkpoint is damaged or of a model that is not installed.
        RecordError: no such run.
    """
    lanes = draw([find_checkpoint(trial, Path(results))], n, seed, device=choose_device(device))
    images: NDArray[np.uint8] = lanes[0]
    return images


def draw(checkpoints: Sequence[Path], n: int, seed: int | str, *, device: torch.device) -> NDArray[np.uint8]:
    """``n`` images of each of some checkpoints of one model, all from the same latents: (K, n, C, H, W)."""
    headers, state = load(checkpoints, device=device)
    what = f"checkpoint {checkpoints[0]} is of a model {headers[0].model!r}"
    try:
        model = build_model(headers[0])
        drawn = sample_lanes(model, headers[0].data, state, [seed] * len(headers), n, device=device)
    except UnknownName as error:
        raise CheckpointError(f"{what} that is not here: {error} Give its file with --plugin.") from error
    except GenbenchError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{what} that draws no images from it: {type(error).__name__}: {error}. If the model was changed "
            f"since (this is of genbench {headers[0].code}), train it again."
        ) from error
    if not all(drawn.finite):
        raise CheckpointError(f"{what} that gives numbers that are not finite: the trial has diverged.")
    images: NDArray[np.uint8] = drawn.images.numpy()
    return images


def find_checkpoint(trial: str | Path, results: Path) -> Path:
    """The checkpoint that a person names.

    Raises:
        CheckpointError: there is none of that name; the message lists those of the run.
        RecordError: there is no such run.
    """
    path = Path(trial)
    if path.is_file():
        return path
    if (path / CHECKPOINT).is_file():
        return path / CHECKPOINT
    text = str(trial).rstrip("/")
    run_name, _, name = text.rpartition("/")
    try:
        run = resolve_run(text, results)
        problem = f"{text} is a run; name one of its trials"
    except RecordError:
        if not run_name:
            raise
        run = resolve_run(run_name.removesuffix("/trials"), results)
        problem = f"the run {run_name} has no checkpoint of a trial {name!r}"
    if not isinstance(run, RunDirectory):
        raise CheckpointError(f"{run_name} is a file of records without checkpoints. Give RUN/TRIAL.")
    file = run.trials / name / CHECKPOINT
    if name and file.is_file():
        return file
    raise CheckpointError(f"{problem}. {_checkpoints_of(run)}")


def _checkpoints_of(run: RunDirectory) -> str:
    """Which trials of a run can be drawn from, for people."""
    known = {r.trial: f" ({r.model} on {r.dataset}, seed {r.seed})" for r in read_records(run.records)}
    there = sorted((p.parent.name for p in run.trials.glob(f"*/{CHECKPOINT}")), key=lambda t: known.get(t, t))
    if not there:
        return "It keeps no checkpoint: run the suite again."
    return f"It has: {', '.join(trial + known.get(trial, '') for trial in there)}."


def write_model_grid(directory: RunDirectory, trials: Sequence[Trial], device: torch.device) -> None:
    """One picture of one model: a row of images for each of its trials, from fixed noise."""
    if trials:
        rows = [
            draw([directory.trial(t.id).checkpoint], GRID_IMAGES, FIXED, device=device)[0] for t in trials
        ]
        name = f"{trials[0].data.name}-{trials[0].model.label}.png"
        write_grid(directory.grids / name, np.stack(rows), [f"seed {trial.seed}" for trial in trials])


def write_overview(directory: RunDirectory, trials: Sequence[Trial], device: torch.device) -> None:
    """One picture of all models on a dataset, a row for each, of the first of its trials.

    Real images are left out, so that the picture can be published wherever the data may not.
    """
    rows: dict[str, NDArray[np.uint8]] = {}
    for trial in trials:
        if trial.model.label not in rows:
            file = directory.trial(trial.id).checkpoint
            rows[trial.model.label] = draw([file], OVERVIEW_IMAGES, FIXED, device=device)[0]
    if rows:
        write_figure(directory.grids / f"{trials[0].data.name}.png", rows, columns=OVERVIEW_IMAGES)
