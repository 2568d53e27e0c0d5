"""A cohort at one step of its training, as the measures of its lanes need it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.measures.evidence import Bound, Bounds
from genbench.metrics import importance_weighted_bound
from genbench.models.protocol import Bounded, GenerativeModel
from genbench.runner.cost import Price, Spent, spent
from genbench.suite.plan import Cohort
from genbench.train.sampling import elbo, log_weights, sample_lanes
from genbench.train.training import Training

WEIGHTED_EXAMPLES = 2_000
"""Test examples whose importance-weighted bound is computed: every draw passes the decoder for each."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All lanes at one step.

    Attributes:
        cohort: its trials.
        training: state, curves, divergence; it may go on later, so look at it before that.
        samples: (K, N, ...), as the training examples are stored.
        finite: for each lane, whether the model gave nothing but finite numbers.
        chunks: (samples of all lanes, seconds) of each chunk of samples.
        bounds: for each lane, computes the likelihood bounds; ``None`` for models without them.
        price: what a step of a lane costs.
    """

    cohort: Cohort
    training: Training
    samples: Tensor
    finite: tuple[bool, ...]
    chunks: list[tuple[int, float]]
    bounds: tuple[Bounds, ...] | None
    price: Price

    @property
    def spent(self) -> Spent:
        """What each lane has cost so far."""
        return spent(self.training, self.price)


def take_snapshot(
    cohort: Cohort,
    model: GenerativeModel,
    data: DataInfo,
    training: Training,
    test_examples: Tensor,
    samples: int,
    price: Price,
) -> Snapshot:
    """Draw samples of all lanes as they are now, standing statistics already filled in.

    The streams of latents and posterior noise depend on the seed only: looking at a lane changes no later
    number of it, and at every step it is the same noise that is made into samples.

    Args:
        cohort: whose lanes.
        model: which model.
        data: shape of the examples.
        training: of the cohort.
        test_examples: (N, ...) on the device, for the likelihood bounds.
        samples: how many to draw from each lane.
        price: what a step of a lane costs.

    Raises:
        TypeError, ValueError: what the model gives are no samples, say of another shape than the data.
    """
    state, seeds = training.state, cohort.seeds
    drawn = sample_lanes(model, data, state, seeds, samples, device=test_examples.device)
    bounds = None
    if isinstance(model, Bounded):
        bounds = tuple(
            _bounds(model, data, training, lane, seed, test_examples) for lane, seed in enumerate(seeds)
        )
    return Snapshot(cohort, training, drawn.samples, tuple(drawn.finite), drawn.times, bounds, price)


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
