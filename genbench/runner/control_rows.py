"""Control rows: samples that no model made, and what measures of models have in their place."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial

import torch

from genbench.core.errors import DataError, GenbenchWarning, told_by
from genbench.core.ids import content_hash
from genbench.core.interrupt import heed
from genbench.core.record import EXPECTED, SAMPLED, Status
from genbench.data.dataset import Dataset
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Final, Measure, Predictive, Reference
from genbench.measures.generator import Generator
from genbench.runner.measuring import columns_of, of_samples, take
from genbench.runner.opened import untrained_generators
from genbench.runner.progress import Reporter
from genbench.runner.sample import build_model
from genbench.runner.scribe import Scribe, Subject
from genbench.suite.plan import Cohort

CONTROL_SEEDS = 3
"""How often each control row is drawn anew: enough to see that its noise is small beside that of training."""


def has_controls(measure: Measure) -> bool:
    """Whether control rows are measured for it."""
    return bool(measure.anchors) if isinstance(measure, Final) else bool(of_samples([measure]))


def measure_controls(
    chosen: Sequence[Measure], reference: Reference, samples: int, scribe: Scribe, reporter: Reporter
) -> None:
    """Measure every control row as if it were a model."""
    dataset = reference.dataset
    for final in (measure for measure in chosen if isinstance(measure, Final)):
        _measure_anchors(final, reference, scribe, reporter)
    own = of_samples(chosen)
    if not own:
        return  # and no features are computed that nobody asked for
    computed = _control(EXPECTED, dataset.info.name, None)
    for measure in own:
        if isinstance(measure, Predictive):
            take(measure, partial(measure.expected, reference, samples), computed, scribe, reporter)
    for name in SAMPLED:
        for seed in range(CONTROL_SEEDS):
            heed()
            subject = _control(name, dataset.info.name, seed)
            try:
                control = control_samples(name, dataset, samples, seed)
            except DataError as error:  # this data cannot have that row; the others stand
                scribe.fail(subject, columns_of(own), Status.SKIPPED, str(error))
                continue
            evidence = Evidence(reference, control.samples, held_out=control.held_out)
            for measure in own:
                take(measure, partial(measure, evidence), subject, scribe, reporter)


def _measure_anchors(measure: Final, reference: Reference, scribe: Scribe, reporter: Reporter) -> None:
    """Measure the control rows of one measure that it has of its own."""
    for name in measure.anchors:
        for seed in range(CONTROL_SEEDS):
            heed()
            subject = _control(name, reference.dataset.info.name, seed)
            take(measure, partial(measure.anchor, name, reference, seed), subject, scribe, reporter)


def untrained_of(
    plan: Sequence[Cohort], chosen: Sequence[Measure], dataset: Dataset, device: torch.device
) -> tuple[Generator, ...]:
    """The first planned model before training, once for each draw of a control row, if it is wanted."""
    if not plan or not any(isinstance(measure, Final) for measure in chosen):
        return ()
    try:
        return untrained_generators(build_model(plan[0].model), dataset.info, range(CONTROL_SEEDS), device)
    except (Exception, SystemExit) as error:  # its cohort will fail, and say why; the others go on
        warnings.warn(
            f"there is no row 'untrained' for {dataset.info.name}: {plan[0].model.label} cannot be built for "
            f"it ({told_by(error)}). Put a model first that can.",
            GenbenchWarning,
            stacklevel=2,
        )
        return ()


def _control(name: str, dataset: str, seed: int | None) -> Subject:
    return Subject(
        trial=content_hash({"control": name, "data": dataset, "seed": seed}),
        model=name,
        model_version="",
        dataset=dataset,
        seed=seed,
        step=0,
        lanes=1,
        protocol={},
    )
