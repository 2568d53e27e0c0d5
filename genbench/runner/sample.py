"""Samples from checkpoints: ``genbench sample``, and the pictures that a run leaves behind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from genbench.core.errors import (
    CheckpointError,
    GenbenchError,
    PluginError,
    RecordError,
    UnknownName,
    told_by,
)
from genbench.core.registry import models
from genbench.data.dataset import Dataset, Examples, GaussianModes
from genbench.measures.known_modes import RADIUS
from genbench.models.protocol import Bounded, GenerativeModel
from genbench.report.grids import write_figure, write_grid
from genbench.report.scatter import write_scatter
from genbench.store.journal import read_records
from genbench.store.rundir import RunDirectory, resolve_run
from genbench.suite.options import build
from genbench.suite.plan import ModelSpec, Trial
from genbench.train.checkpoint import Header, load
from genbench.train.device import choose_device
from genbench.train.sampling import sample_lanes
from genbench.train.state import TrainState, skeletons

GRID_IMAGES = 10
"""Images of each seed in a run's grids."""

OVERVIEW_IMAGES = 16
"""Images of each model in the picture of them all."""

POINTS = 2_500
"""Points of each model, or seed, in a scatter plot."""

FIXED = "grid"
"""Names the stream of latents of every grid: the same noise in every lane, so that columns compare."""

CHECKPOINT = "checkpoint.safetensors"

_MOST_OPTIONS = 8_000  # letters of JSON

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
    if not callable(model.prior):
        raise PluginError(
            f"model {name!r} ({models.origin(name)}) has a `prior` that is no method: write "
            "`def prior(self, data): return Noise(...)`, what `sample` takes for such data."
        )
    if callable(getattr(model, "elbo", None)) and not isinstance(model, Bounded):
        raise PluginError(
            f"model {name!r} ({models.origin(name)}) has an `elbo` but not all that goes with it: "
            "`posterior_noise` and `log_weight`, see Bounded in genbench/models/protocol.py."
        )
    return model


def restored(header: Header, state: TrainState) -> GenerativeModel:
    """The model that a checkpoint's header describes, if its networks are those of the tensors beside it.

    Anyone can write a header, with layers that would fill any memory. So its networks are made without
    memory of their own, and nothing is computed before the tensors, which lie in the file, bear them out.

    Raises:
        GenbenchError: there is no such model, or it has not these options.
        RuntimeError: the networks of these options and data are not those of the tensors.
    """
    shape = header.data.shape
    if len(shape) not in (1, 3) or not all(0 < side < 2**31 for side in shape):
        raise RuntimeError(f"its examples have the shape {shape[:4]}, and should be (C, H, W) or (D,)")
    if (letters := len(json.dumps(header.options))) > _MOST_OPTIONS:
        raise RuntimeError(f"its options take {letters:,} letters, and no model needs {_MOST_OPTIONS:,}")
    model = build_model(header)
    there = {f"{net}.{name}": t.shape[1:] for net, own in state.params.items() for name, t in own.items()}
    wanted = {
        f"{net}.{name}": parameter.shape
        for net, network in skeletons(model, header.data).items()
        for name, parameter in network.named_parameters()
    }
    if other := sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name)):
        name = other[0]
        had, due = (tuple(of[name]) if name in of else "missing" for of in (there, wanted))
        raise RuntimeError(f"its networks are not those of its options: {name} is {had}, and should be {due}")
    return model


def sample(
    trial: str | Path, n: int = 64, *, seed: int = 0, device: str = "auto", results: str | Path = "results"
) -> Examples:
    """Draw samples from a trained trial.

    Args:
        trial: ``RUN/TRIAL`` (with ``SUITE/latest`` as a RUN), a trial's folder, or a checkpoint file.
        n: how many.
        seed: another seed, other samples.
        device: ``auto``, ``cpu`` or ``cuda``.
        results: folder in which runs are looked for.

    Returns:
        Images (n, C, H, W) uint8, 0 to 255, or points (n, D) float32.

    Raises:
        CheckpointError: no such trial, or its checkpoint is damaged or of a model that is not installed.
        RecordError: no such run.
    """
    lanes = draw([find_checkpoint(trial, Path(results))], n, seed, device=choose_device(device))
    samples: Examples = lanes[0]
    return samples


def draw(checkpoints: Sequence[Path], n: int, seed: int | str, *, device: torch.device) -> Examples:
    """``n`` samples of each of some checkpoints of one model, all from the same latents: (K, n, ...)."""
    headers, state = load(checkpoints, device=device)
    what = f"checkpoint {checkpoints[0]} is of a model {headers[0].model!r}"
    try:
        model = restored(headers[0], state)
        drawn = sample_lanes(model, headers[0].data, state, [seed] * len(headers), n, device=device)
    except UnknownName as error:
        raise CheckpointError(f"{what} that is not here: {error} Give its file with --plugin.") from error
    except GenbenchError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{what} that cannot be drawn from: {told_by(error)}. If the model was changed "
            f"since (this is of genbench {headers[0].code}), train it again."
        ) from error
    if not all(drawn.finite):
        raise CheckpointError(f"{what} that gives numbers that are not finite: the trial has diverged.")
    samples: Examples = drawn.samples.numpy()
    return samples


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


def picture_of(directory: RunDirectory, dataset: str, label: str) -> Path:
    """Where the picture of a model on a dataset is."""
    return directory.grids / f"{dataset}-{label}.png"


def write_model_picture(
    directory: RunDirectory, trials: Sequence[Trial], dataset: Dataset, device: torch.device
) -> None:
    """One picture of one model, from fixed noise: a row of images, or a panel of points, for each trial."""
    if not trials:
        return
    path = picture_of(directory, trials[0].data.name, trials[0].model.label)
    files = {f"seed {trial.seed}": directory.trial(trial.id).checkpoint for trial in trials}
    if dataset.info.is_image:
        rows = [draw([file], GRID_IMAGES, FIXED, device=device)[0] for file in files.values()]
        write_grid(path, np.stack(rows), list(files))
    else:
        points = {label: draw([file], POINTS, FIXED, device=device)[0] for label, file in files.items()}
        _scatter(path, points, dataset, f"{trials[0].model.label} on {dataset.info.name}")


def write_overview(
    directory: RunDirectory, trials: Sequence[Trial], dataset: Dataset, device: torch.device
) -> None:
    """One picture of all models on a dataset, of the first trial of each: a row of images or a panel each.

    Real images are left out, so that the picture can be published wherever the data may not.
    """
    first = {trial.model.label: trial for trial in reversed(trials)}
    files = {label: directory.trial(first[label].id).checkpoint for label in _labels(trials)}
    if not files:
        return
    path = directory.grids / f"{dataset.info.name}.png"
    count = OVERVIEW_IMAGES if dataset.info.is_image else POINTS
    samples = {label: draw([file], count, FIXED, device=device)[0] for label, file in files.items()}
    if dataset.info.is_image:
        write_figure(path, samples, columns=OVERVIEW_IMAGES)
    else:
        real = {"real": dataset.train_examples[:POINTS].astype(np.float32, copy=False)}
        _scatter(path, {**samples, **real}, dataset, f"{dataset.info.name}: one seed of each model")


def _labels(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(trial.model.label for trial in trials))


def _scatter(path: Path, samples: Mapping[str, Examples], dataset: Dataset, title: str) -> None:
    modes = dataset.modes
    write_scatter(
        path,
        {label: points.astype(np.float32, copy=False) for label, points in samples.items()},
        real=dataset.train_examples[:POINTS].astype(np.float32, copy=False),
        centers=modes.centers if isinstance(modes, GaussianModes) else None,
        radius=RADIUS * modes.scale if isinstance(modes, GaussianModes) else 0.0,
        title=title,
    )
