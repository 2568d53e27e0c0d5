"""Images from checkpoints: ``genbench sample``, and the grids that a run leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from genbench.core.errors import CheckpointError, UnknownName
from genbench.core.registry import models
from genbench.models.protocol import GenerativeModel
from genbench.report.grids import write_figure, write_grid
from genbench.store.rundir import RunDirectory, resolve_run
from genbench.suite.options import build
from genbench.suite.plan import Cohort, ModelSpec
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


def build_model(spec: ModelSpec | Header) -> GenerativeModel:
    """The model that a plan, or a checkpoint's header, describes."""
    name = spec.name if isinstance(spec, ModelSpec) else spec.model
    model: GenerativeModel = build(models.get(name), spec.options, spec.label)[0]
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
    """
    lanes = draw([find_checkpoint(trial, Path(results))], n, seed, device=choose_device(device))
    images: NDArray[np.uint8] = lanes[0]
    return images


def draw(checkpoints: Sequence[Path], n: int, seed: int | str, *, device: torch.device) -> NDArray[np.uint8]:
    """``n`` images of each of some checkpoints of one model, all from the same latents: (K, n, C, H, W)."""
    headers, state = load(checkpoints, device=device)
    try:
        model = build_model(headers[0])
    except UnknownName as error:
        raise CheckpointError(
            f"checkpoint {checkpoints[0]} is of a model that is not here: {error} "
            "Give its file with --plugin."
        ) from error
    images, _ = sample_lanes(model, headers[0].data, state, [seed] * len(headers), n, device=device)
    drawn: NDArray[np.uint8] = images.numpy()
    return drawn


def find_checkpoint(trial: str | Path, results: Path) -> Path:
    """The checkpoint that a person names.

    Raises:
        CheckpointError: there is none of that name; the message lists those of the run.
    """
    path = Path(trial)
    if path.is_file():
        return path
    if (path / CHECKPOINT).is_file():
        return path / CHECKPOINT
    run_name, _, name = str(trial).rstrip("/").rpartition("/")
    run = resolve_run(run_name or str(trial), results)
    if isinstance(run, RunDirectory):
        file = run.trial(name).checkpoint
        if file.is_file():
            return file
        there = sorted(p.parent.name for p in run.trials.glob(f"*/{CHECKPOINT}"))
        have = f"Trials with one: {', '.join(there)}." if there else "It keeps none; train it again."
        raise CheckpointError(f"run {run.path} has no checkpoint of a trial {name!r}. {have}")
    raise CheckpointError(f"no checkpoint at {trial}. Give RUN/TRIAL as `genbench show` lists them.")


def write_model_grid(directory: RunDirectory, cohorts: Sequence[Cohort], device: torch.device) -> None:
    """One picture of a model: a row of images for each seed that has a checkpoint, from fixed noise."""
    rows, labels = [], []
    for cohort in cohorts:
        for trial in cohort.trials:
            if (file := directory.trial(trial.id).checkpoint).is_file():
                rows.append(draw([file], GRID_IMAGES, FIXED, device=device)[0])
                labels.append(f"seed {trial.seed}")
    if rows:
        name = f"{cohorts[0].data.name}-{cohorts[0].model.label}.png"
        write_grid(directory.grids / name, np.stack(rows), labels)


def write_overview(directory: RunDirectory, cohorts: Sequence[Cohort], device: torch.device) -> None:
    """One picture of all models on a dataset, a row for each, of its first seed.

    Real images are left out, so that the picture can be published wherever the data may not.
    """
    rows: dict[str, NDArray[np.uint8]] = {}
    for cohort in cohorts:
        file = directory.trial(cohort.trials[0].id).checkpoint
        if cohort.model.label not in rows and file.is_file():
            rows[cohort.model.label] = draw([file], OVERVIEW_IMAGES, FIXED, device=device)[0]
    name = cohorts[0].data.name
    if rows:
        write_figure(directory.grids / f"{name}.png", rows, columns=OVERVIEW_IMAGES)
