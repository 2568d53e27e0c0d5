"""The columns of ``stability``: names, units, directions and what exactly each number says."""

from __future__ import annotations

from genbench.core.record import Better, Column
from genbench.metrics.judging import CONFIDENT


def _column(
    name: str,
    better: Better,
    meaning: str,
    *,
    unit: str = "",
    low: float | None = 0.0,
    high: float | None = None,
) -> Column:
    return Column(f"stability.{name}", unit, better, meaning=meaning, low=low, high=high)


FAILED = _column(
    "failed",
    Better.LOWER,
    "1 for a seed whose training failed, with the reason; of a model the share",
    high=1.0,
)
SCORE = _column(
    "score", Better.LOWER, "Fréchet distance of the samples to the test examples, for its spread over seeds"
)
DRIFT = _column(
    "drift",
    Better.NEITHER,
    "late half: squared distance of outputs to the snapshot before, over that of two real examples",
)
CHURN = _column(
    "churn",
    Better.NEITHER,
    "late half: total variation of class shares from one snapshot to the next",
    high=1.0,
)
DRAWDOWN = _column(
    "drawdown",
    Better.LOWER,
    "part of the best quality on the way that is lost at the end; best by one half, told by the other",
    low=None,
)
EVENTS = _column(
    "collapse_events", Better.LOWER, "times that variety fell below half of what it had been", unit="times"
)
COLLAPSED = _column(
    "late_collapsed",
    Better.LOWER,
    "share of the late half spent below half of the variety there had been",
    high=1.0,
)
CRITIC_JSD = _column(
    "critic_jsd",
    Better.LOWER,
    "what a fresh critic can tell: lower bound on the Jensen-Shannon divergence, ln 2 at most",
    unit="nats",
    low=None,
    high=0.6931471805599453,
)
CRITIC_AUC = _column(
    "critic_auc",
    Better.LOWER,
    "probability that a fresh critic ranks a test example above a sample",
    high=1.0,
)
D_AUC = _column(
    "d_auc", Better.NEITHER, "the same of the model's own discriminator, at the end of training", high=1.0
)
D_GAP = _column(
    "d_gap",
    Better.NEITHER,
    "AUC of training examples less that of test examples: what the discriminator memorized",
    low=-1.0,
    high=1.0,
)
D_CONFIDENT = _column(
    "d_confident",
    Better.NEITHER,
    f"share of the discriminator's logits beyond ±{CONFIDENT:g}; no sign of confidence "
    "where they are no probabilities",
    high=1.0,
)
STRAIGHTNESS = _column(
    "straightness",
    Better.NEITHER,
    "late half: distance that the generator's parameters came, over the length of their path",
    high=1.0,
)
SPIKES = _column(
    "spikes", Better.NEITHER, "late half: 99 % quantile of the generator's gradient norm over its median"
)

OF_TRACE = (DRIFT, CHURN, DRAWDOWN, EVENTS, COLLAPSED, STRAIGHTNESS, SPIKES)
"""What needs snapshots on the way."""

OF_CRITIC = (CRITIC_JSD, CRITIC_AUC)
OF_DISCRIMINATOR = (D_AUC, D_GAP, D_CONFIDENT)

ALL = (FAILED, SCORE, *OF_TRACE, *OF_CRITIC, *OF_DISCRIMINATOR)
