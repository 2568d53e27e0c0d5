"""One cohort from fresh networks to evidence: train, save, sample."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.core.environment import code_version
from genbench.core.errors import OutputError
from genbench.measures.evidence import Bound, Bounds, Timing
from genbench.metrics import importance_weighted_bound
from genbench.models.protocol import Bounded, GenerativeModel
from genbench.runner.progress import Reporter
from genbench.runner.sample import build_model
from genbench.runner.timing import timing_of
from genbench.store.atomic import write_text
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort
from genbench.train.checkpoint import Header, save_lane
from genbench.train.device import is_out_of_memory
from genbench.train.energy import open_meter
from genbench.train.latency import CALLS, latencies
from genbench.train.peak import matrix_product_peak
from genbench.train.sampling import elbo, log_weights, sample_lanes
from genbench.train.settings import Settings
from genbench.train.standing import fill_standing_statistics
from genbench.train.trainer import Tick, Training, train

WEIGHTED_EXAMPLES = 2_000
"""Test examples whose importance-weighted bound is computed: every draw passes the decoder for each."""


@dataclass(frozen=True, eq=False)
class TrainedCohort:
    """A cohort after training, with what the measures need.

    Attributes:
        cohort: its trials.
        training: state, curves, divergence.
        samples: (K, N, ...), as the training examples are stored.
        timing: what the clock saw, as the measures need it.
        chunks: (samples of all lanes, seconds) of each chunk of samples.
        bounds: for each lane, computes the likelihood bounds; ``None`` for models without them.
    """

    cohort: Cohort
    training: Training
    samples: Tensor
    timing: Timing
    chunks: list[tuple[int, float]]
    bounds: tuple[Bounds, ...] | None


def split_on_oom(
    cohort: Cohort, work: Callable[[Cohort], TrainedCohort], reporter: Reporter
) -> Iterator[TrainedCohort]:
    """Do the work on a cohort; where memory runs out, on its halves, one after the other.

    Raises:
        MemoryError, torch.OutOfMemoryError: a single lane does not fit.
    """
    try:
        trained = work(cohort)
    except (MemoryError, RuntimeError) as error:
        lanes = len(cohort.trials)
        if lanes == 1 or not is_out_of_memory(error):
            raise
    else:
        yield trained
        return
    half = (lanes + 1) // 2
    reporter.warn(
        f"{cohort.model.label}: {lanes} lanes do not fit into memory; going on with {half} at a time. "
        f"`lanes = {half}` in [train] saves the attempt."
    )
    for part in (cohort.trials[:half], cohort.trials[half:]):
        yield from split_on_oom(replace(cohort, trials=part), work, reporter)


def train_cohort(
    cohort: Cohort,
    data: DataInfo,
    examples: Tensor,
    test_examples: Tensor,
    settings: Settings,
    *,
    samples: int,
    directory: RunDirectory,
    reporter: Reporter,
    reached: dict[str, int],
) -> TrainedCohort:
    """Train all lanes, writing checkpoints on the way, then draw samples.

    Args:
        cohort: whose trials.
        data: shape of the examples.
        examples: training examples (N, ...) on the device.
        test_examples: likewise, for the likelihood bound.
        settings: how to train.
        samples: how many to draw from each lane.
        directory: where checkpoints and curves go.
        reporter: told of each block of steps.
        reached: the finished steps of each trial are kept here, for whoever must tell how far it came.
    """
    model = build_model(cohort.model)
    seeds = cohort.seeds

    files = [directory.make_trial(trial.id) for trial in cohort.trials]
    for file in files:
        write_text(file.curves, "")

    def on_tick(training: Training, tick: Tick) -> None:
        steps, seconds = training.blocks[-1]
        reporter.step(tick.step, steps / seconds, tick.losses)
        reached.update({trial.id: tick.step for trial in cohort.trials})
        for lane, file in enumerate(files):
            _append_curve(file.curves, training, lane)

    def on_save(training: Training) -> None:
        fill_standing_statistics(model, data, training.state, seeds, examples, settings.batch_size)
        _save(training, cohort, data, directory)

    meter, compute = open_meter(settings.device), settings.compute or settings.master
    peak = matrix_product_peak(settings.device, compute)
    training = train(model, data, examples, seeds, settings, on_tick=on_tick, on_save=on_save, meter=meter)
    peak += matrix_product_peak(settings.device, compute)
    reporter.note(_how(training, cohort))
    device = settings.device
    drawn = sample_lanes(model, data, training.state, seeds, samples, device=device)
    if (shape := tuple(drawn.samples.shape[2:])) != data.shape:
        raise ValueError(f"sample returns examples of shape {shape}, expected {data.shape}")
    for lane, finite in enumerate(drawn.finite):
        if training.diverged[lane] is None and not finite:
            training.diverged[lane] = training.state.step  # found out only in sampling
    calls = latencies(model, data, training.state, 0, seeds[0], CALLS, device)
    timing = timing_of(
        model, data, settings, training, drawn.times, latency_s=calls, peak_flops=peak, meter=meter
    )
    bounds = None
    if isinstance(model, Bounded):
        bounds = tuple(
            _bounds(model, data, training, lane, seed, test_examples) for lane, seed in enumerate(seeds)
        )
    return TrainedCohort(cohort, training, drawn.samples, timing, drawn.times, bounds)


def _how(training: Training, cohort: Cohort) -> str:
    program = training.program
    how = f"compiled in {program.compile_s:.0f} s" if program.compiled else "eager"
    lanes = len(cohort.trials)
    return f"{cohort.model.label}: {lanes} lane{'s' * (lanes > 1)} as one program, {how} ({program.reason})"


def _bounds(
    model: GenerativeModel, data: DataInfo, training: Training, lane: int, seed: int, examples: Tensor
) -> Bounds:
    # evenly spread: the first test images of MNIST are the easier ones
    count = min(WEIGHTED_EXAMPLES, len(examples))
    some = examples[torch.linspace(0, len(examples) - 1, count).round().long().to(examples.device)]

    def evidence_lower_bound() -> Bound:
        return _mean(elbo(model, data, training.state, lane, seed, examples))

    def importance(draws: int) -> Bound:
        weights = log_weights(model, data, training.state, lane, seed, some, draws)
        return _mean(importance_weighted_bound(weights))

    return Bounds(evidence_lower_bound, importance)


def _mean(nats: Tensor) -> Bound:
    nats = nats.double()
    return Bound(nats.mean().item(), (nats.std() / math.sqrt(len(nats))).item(), len(nats))


def _save(training: Training, cohort: Cohort, data: DataInfo, directory: RunDirectory) -> None:
    for lane, trial in enumerate(cohort.trials):
        if training.diverged[lane] is not None:
            continue  # the last checkpoint before the divergence is worth more than one of NaNs
        files = directory.make_trial(trial.id)
        header = Header(
            model=trial.model.name,
            label=trial.model.label,
            options=dict(trial.model.options),
            data=data,
            seed=trial.seed,
            step=training.state.step,
            precision=trial.budget.precision,
            trial=trial.id,
            code=code_version(),
        )
        save_lane(files.checkpoint, header, training.state, lane)


def _append_curve(path: Path, training: Training, lane: int) -> None:
    step, logs = training.curves[-1]
    line = json.dumps({"step": step, **{name: _finite(values[lane]) for name, values in logs.items()}})
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}. Free some space or choose --out."
        ) from error


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
