"""How metrics are headed: a short word or sign the field knows, an arrow for the good direction."""

from __future__ import annotations

from genbench.core.record import Better
from genbench.report.untrusted import clean

GROUPS = {
    "quality": "sample quality",
    "modes": "mode coverage",
    "known_modes": "known modes",
    "memorization": "memorization",
    "stability": "stability",
    "dirac": "dynamics: losses and optimizers on the Dirac-GAN",
    "rotation": "dynamics: the trained networks' own game",
    "explainers": "explainers against a planted artefact",
    "throughput": "throughput and cost",
    "cost": "what one lane cost",
    "target": "what one lane cost until the target",
}
"""Titles of the groups of metrics (the part before the dot), in the order of the tables."""

ARROWS = {Better.HIGHER: "↑", Better.LOWER: "↓", Better.NEITHER: ""}

_LABELS = {
    "quality.fid": "FD",
    "quality.kid": "KD",
    "quality.precision": "precision",
    "quality.recall": "recall",
    "quality.density": "density",
    "quality.coverage": "coverage",
    "quality.elbo": "ELBO",
    "quality.iw_bound": "IW bound",
    "modes.covered": "modes covered",
    "modes.entropy": "entropy",
    "modes.kl": "KL",
    "known_modes.covered": "modes covered",
    "known_modes.high_quality": "high quality",
    "known_modes.reverse_kl": "reverse KL",
    "memorization.authenticity": "authenticity",
    "memorization.distance": "distance",
    "explainers.mass": "mass",
    "explainers.pointing": "pointing",
    "explainers.infidelity": "infidelity",
    "explainers.mass_untrained": "mass, untrained",
    "explainers.ms": "time per image",
    "dirac.predicted_real": "Re λ, formula",
    "dirac.predicted_imaginary": "± Im λ, formula",
    "dirac.measured_real": "Re λ",
    "dirac.measured_imaginary": "± Im λ",
    "dirac.rate_simultaneous_predicted": "rate at once, formula",
    "dirac.rate_alternating_predicted": "rate in turn, formula",
    "dirac.rate_simultaneous": "rate at once",
    "dirac.rate_alternating": "rate in turn",
    "dirac.radius_simultaneous": "radius at once",
    "dirac.radius_alternating": "radius in turn",
    "rotation.index": "rotation index",
    "rotation.max_real": "max Re λ",
    "rotation.asymmetry": "asymmetry",
    "rotation.gradient": "gradient norm",
    "rotation.duality_gap": "duality gap",
    "stability.failed": "failed",
    "stability.score": "FD",
    "stability.drift": "drift",
    "stability.churn": "class churn",
    "stability.drawdown": "drawdown",
    "stability.collapse_events": "collapses",
    "stability.late_collapsed": "time collapsed",
    "stability.critic_jsd": "critic JSD",
    "stability.critic_auc": "critic AUC",
    "stability.d_auc": "D AUC",
    "stability.d_gap": "D gap",
    "stability.d_confident": "D confident",
    "stability.straightness": "straightness",
    "stability.spikes": "gradient spikes",
    "cost.seconds": "training",
    "cost.images": "real examples",
    "cost.gflop": "operations",
    "target.steps": "steps",
    "target.seconds": "training",
    "target.images": "real examples",
    "throughput.train_images_per_s": "training",
    "throughput.lane_images_per_s": "training per lane",
    "throughput.updates_per_s": "updates",
    "throughput.lane_updates_per_s": "updates per lane",
    "throughput.sample_images_per_s": "sampling",
    "throughput.latency_p50": "latency p50",
    "throughput.latency_p99": "latency p99",
    "throughput.s_per_1000_steps": "1000 steps",
    "throughput.compile_s": "compilation",
    "throughput.warmup_s": "warm-up",
    "throughput.peak_memory": "peak memory",
    "throughput.parameters": "parameters",
    "throughput.flops_per_image": "FLOPs per image",
    "throughput.achieved": "achieved",
    "throughput.utilization": "utilization",
    "throughput.peak": "machine peak",
    "throughput.energy": "energy per 1000 images",
}


def label_of(metric: str) -> str:
    """The usual heading of a metric; for one that is not known here, its name in words."""
    return _LABELS.get(metric) or clean(metric.split(".", 1)[-1].replace("_", " "))


def rank_of(metric: str) -> int:
    """Where a metric stands in its table; those not known here come last, in their own order."""
    return list(_LABELS).index(metric) if metric in _LABELS else len(_LABELS)


def heading_of(metric: str, unit: str, better: Better) -> str:
    """One line for an axis or a column: label, arrow, unit."""
    parts = (label_of(metric), ARROWS[better], f"({clean(unit)})" if unit else "")
    return " ".join(part for part in parts if part)
