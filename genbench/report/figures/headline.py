"""Which metrics a figure shows that has room for one, or for a few."""

from __future__ import annotations

from genbench.analyse.summary import Metric
from genbench.core.record import group_of
from genbench.report.figures.plot import Scope
from genbench.report.headings import rank_of

_IMAGES = ("quality.fid", "modes.covered", "modes.kl")
_POINTS = ("known_modes.covered", "known_modes.high_quality", "known_modes.reverse_kl")


def headline(scope: Scope) -> Metric | None:
    """The Fréchet distance, or else the first metric of quality or of known modes."""
    if "quality.fid" in scope.metrics:
        return scope.metrics["quality.fid"]
    others = [name for name in scope.metrics if group_of(name) in ("quality", "known_modes")]
    if not others:
        return None
    return scope.metrics[min(others, key=lambda name: (group_of(name) != "quality", rank_of(name)))]


def headlines(scope: Scope) -> list[Metric]:
    """Up to three: of points those of their modes, else distance and modes; else the first there is."""
    points = [scope.metrics[name] for name in _POINTS if name in scope.metrics]
    images = [scope.metrics[name] for name in _IMAGES if name in scope.metrics]
    first = headline(scope)
    return points or images or ([first] if first else [])
