"""One cohort from fresh networks to evidence: train, save, sample."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.core.environment import code_version
from genbench.measures.evidence import Timing
from genbench.measures.generator import Generator
from genbench.measures.trace import Trace
from genbench.models.protocol import GenerativeModel
from genbench.runner.cost import price_of
from genbench.runner.halfway import Halfway, Looks
from genbench.runner.opened import generator_of
from genbench.runner.phases import COMPILING, DRAWING, MEASURING, SAVING, TRACING, TRAINING, Phases
from genbench.runner.progress import Reporter
from genbench.runner.sample import build_model
from genbench.runner.snapshot import Snapshot, take_snapshot
from genbench.runner.timing import timing_of
from genbench.store.atomic import unwritable, write_text
from genbench.store.rundir import RunDirectory, TrialDirectory
from genbench.suite.plan import Cohort
from genbench.train.checkpoint import Header, save_lane
from genbench.train.clock import now
from genbench.train.energy import NO_METER, Meter, no_meter, open_meter
from genbench.train.latency import CALLS, latencies
from genbench.train.peak import matrix_product_peak
from genbench.train.settings import Settings
from genbench.train.standing import fill_standing_statistics
from genbench.train.state import lane_tensors
from genbench.train.trace import Tracer, TraceSoFar
from genbench.train.trainer import train
from genbench.train.training import Past, Tick, Training

Means = tuple[int, dict[str, list[float]]]
"""The step at which a segment ends, and the mean of each log over it, one a lane."""


@dataclass(frozen=True, eq=False)
class TrainedCohort(Snapshot):
    """A cohort after training: as every snapshot, and what its clocks saw.

    Attributes:
        timing: as the measures need it.
        evaluations: (step, seconds) of each evaluation on the way.
        generators: each lane as functions, where some measure wants it; ``None`` for a model whose latent is
            no vector.
        traces: of each lane, likewise.
    """

    timing: Timing
    evaluations: list[tuple[int, float]]
    generators: tuple[Generator | None, ...]
    traces: tuple[Trace, ...]


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
    evaluate: Callable[[Snapshot], bool],
    keep: Callable[[Training, TraceSoFar | None, Looks], None],
    halfway: Halfway | None,
    phases: Phases,
    gauged: bool = True,
    opened: bool = False,
) -> TrainedCohort:
    """Train all lanes, writing checkpoints and looking at them on the way, then draw samples.

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
        evaluate: given a snapshot every ``evaluate_every`` steps; training ends there if it returns true.
        keep: given all that training could be continued from later, whenever it is time to write that down.
        halfway: where to continue; ``None`` to begin.
        phases: told how the time is spent.
        gauged: whether any measure wants the machine's peak, the latency and the energy.
        opened: whether any measure wants the trained models as functions.
    """
    model = build_model(cohort.model)
    seeds, device = cohort.seeds, settings.device
    with phases(MEASURING):
        price = price_of(model, data, len(seeds), settings)

    past = halfway.past if halfway else None
    files = _files(directory, cohort, past)
    evaluations = list(halfway.looks) if halfway else []
    reached.update({trial.id: past.state.step if past else 0 for trial in cohort.trials})

    def on_tick(training: Training, tick: Tick) -> None:
        steps, seconds = training.blocks[-1]
        reporter.step(tick.step, steps / seconds, tick.losses)
        reached.update({trial.id: tick.step for trial in cohort.trials})
        with phases(SAVING):
            for lane, file in enumerate(files):
                _append_curve(file.curves, training, lane)

    def on_save(training: Training) -> None:
        with phases(SAVING):
            fill_standing_statistics(model, data, training.state, seeds, examples, settings.batch_size)
            _save(training, cohort, data, directory)

    def look(training: Training) -> Snapshot:
        with phases(DRAWING):
            return take_snapshot(cohort, model, data, training, test_examples, samples, price)

    def on_evaluate(training: Training) -> bool:
        began = now(device)
        with phases(DRAWING):
            fill_standing_statistics(model, data, training.state, seeds, examples, settings.batch_size)
        snapshot = look(training)
        with phases(MEASURING):
            enough = evaluate(snapshot)
        evaluations.append((training.state.step, now(device) - began))
        return enough

    tracer = _tracer(model, data, seeds, settings, halfway)

    def on_keep(training: Training) -> None:
        with phases(SAVING):
            keep(training, tracer.so_far(), tuple(evaluations))

    def on_trace(training: Training) -> None:
        with phases(TRACING):
            tracer(training.state)

    meter, compute = _meter(settings) if gauged else NO_METER, settings.compute or settings.master
    with phases(MEASURING):
        peak = matrix_product_peak(device, compute) if gauged else []
    with phases(TRAINING):
        training = train(
            model,
            data,
            examples,
            seeds,
            settings,
            past=past,
            on_tick=on_tick,
            on_save=on_save,
            on_evaluate=on_evaluate,
            on_trace=on_trace,
            on_keep=on_keep,
            meter=meter,
        )
    phases.move(training.program.compile_s, TRAINING, COMPILING)
    _write_curves(files, training.curves)  # what was appended on the way may not be on the disk yet
    reporter.note(_how(training, cohort))
    last = _marked(training, look(training))
    with phases(MEASURING):
        peak += matrix_product_peak(device, compute) if gauged else []
        calls = latencies(model, data, training.state, 0, seeds[0], CALLS, device) if gauged else []
        timing = timing_of(
            model, data, price, settings, training, last.chunks, latency_s=calls, peak_flops=peak, meter=meter
        )
    evidence = {
        **vars(last),
        "generators": _opened(model, data, training, cohort, device) if opened else (),
        "traces": _traces(tracer, model, training) if tracer.steps else (),
    }
    return TrainedCohort(**evidence, timing=timing, evaluations=evaluations)


def _meter(settings: Settings) -> Meter:
    if settings.processes > 1 and settings.device.type == "cpu":
        return no_meter("Processes trained side by side, and the processor's energy is that of all of them.")
    return open_meter(settings.device)


def _files(directory: RunDirectory, cohort: Cohort, past: Past | None) -> list[TrialDirectory]:
    """The folder of each lane, with the losses of the past in it and none of what came after."""
    files = [directory.make_trial(trial.id) for trial in cohort.trials]
    _write_curves(files, past.curves if past else ())
    return files


def _write_curves(files: Sequence[TrialDirectory], curves: Sequence[Means]) -> None:
    for lane, file in enumerate(files):
        write_text(file.curves, "".join(_curve_line(*means, lane) for means in curves))


def _tracer(
    model: GenerativeModel, data: DataInfo, seeds: Sequence[int], settings: Settings, halfway: Halfway | None
) -> Tracer:
    tracer = Tracer(model, data, seeds, settings.steps, settings.trace_every)
    if halfway and halfway.trace:
        tracer.go_on(halfway.trace, halfway.past.state)
    return tracer


def _marked(training: Training, last: Snapshot) -> Snapshot:
    """The last look, with those lanes marked that only sampling shows to have diverged."""
    for lane, finite in enumerate(last.finite):
        if training.diverged[lane] is None and not finite:
            training.diverged[lane] = training.state.step
    return last


def _opened(
    model: GenerativeModel, data: DataInfo, training: Training, cohort: Cohort, device: torch.device
) -> tuple[Generator | None, ...]:
    """Every lane as functions."""
    if len(model.prior(data).shape) != 1:
        return (None,) * len(cohort.seeds)
    lanes = (lane_tensors(training.state, lane) for lane in range(len(cohort.seeds)))
    return tuple(
        generator_of(model, data, tensors, seed, device)
        for tensors, seed in zip(lanes, cohort.seeds, strict=True)
    )


def _traces(tracer: Tracer, model: GenerativeModel, training: Training) -> tuple[Trace, ...]:
    norms = {name: torch.cat(parts) for name, parts in training.gradient_norms.items()}  # (steps, K)
    trainer_of_generator = next(
        player.name for player in model.players if set(player.trains) & set(tracer.networks)
    )
    return tuple(
        Trace(
            steps=tuple(tracer.steps),
            spacing=tracer.spacing,
            samples=tracer.samples(lane),
            moved=tracer.moved(lane),
            displaced=tracer.displaced(lane),
            middle=tracer.middle,
            gradient_norms={name: log[:, lane] for name, log in norms.items()},
            player=trainer_of_generator,
        )
        for lane in range(training.state.lanes)
    )


def _how(training: Training, cohort: Cohort) -> str:
    program = training.program
    how = f"compiled in {program.compile_s:.0f} s" if program.compiled else "eager"
    how = "compiled before" if program.shared else how
    lanes = len(cohort.trials)
    return f"{cohort.model.label}: {lanes} lane{'s' * (lanes > 1)} as one program, {how} ({program.reason})"


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
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(_curve_line(*training.curves[-1], lane))
    except OSError as error:
        raise unwritable(path, error) from error


def _curve_line(step: int, logs: Mapping[str, Sequence[float]], lane: int) -> str:
    return json.dumps({"step": step, **{name: _finite(values[lane]) for name, values in logs.items()}}) + "\n"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
