"""Pure functions from tensors to numbers: the public numeric API."""

from genbench.metrics.class_coverage import ClassCoverage, class_coverage
from genbench.metrics.frechet import frechet_distance
from genbench.metrics.kernel import kernel_distance
from genbench.metrics.prdc import PRDC, Balls, balls, prdc

__all__ = [
    "PRDC",
    "Balls",
    "ClassCoverage",
    "balls",
    "class_coverage",
    "frechet_distance",
    "kernel_distance",
    "prdc",
]
