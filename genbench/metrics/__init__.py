"""Pure functions from tensors to numbers: the public numeric API."""

from genbench.metrics.birthday import BirthdaySupport, birthday_support
from genbench.metrics.bound import elbo, importance_weighted_bound
from genbench.metrics.catalogue import METRICS
from genbench.metrics.class_coverage import (
    ClassCoverage,
    ExpectedClassCoverage,
    class_coverage,
    expected_class_coverage,
    expected_entropy,
)
from genbench.metrics.frechet import expected_frechet_distance, frechet_distance, frechet_distance_infinity
from genbench.metrics.inception import inception_score
from genbench.metrics.kernel import kernel_distance, kernel_within, mmd_rbf
from genbench.metrics.memorization import authenticity, expected_authenticity, memorization_distance
from genbench.metrics.mode_coverage import (
    ExpectedModeCoverage,
    ModeCoverage,
    expected_mode_coverage,
    expected_mode_coverage_of_labels,
    mode_coverage,
    mode_coverage_of_labels,
)
from genbench.metrics.ndb import NDB, ExpectedNDB, expected_ndb, ndb
from genbench.metrics.prdc import (
    PRDC,
    Balls,
    Neighbourhoods,
    balls,
    expected_coverage,
    neighbourhoods,
    prdc,
)
from genbench.metrics.two_sample import C2ST, classifier_two_sample
from genbench.metrics.vendi import vendi_score
from genbench.metrics.wasserstein import sliced_wasserstein

__all__ = [
    "C2ST",
    "METRICS",
    "NDB",
    "PRDC",
    "Balls",
    "BirthdaySupport",
    "ClassCoverage",
    "ExpectedClassCoverage",
    "ExpectedModeCoverage",
    "ExpectedNDB",
    "ModeCoverage",
    "Neighbourhoods",
    "authenticity",
    "balls",
    "birthday_support",
    "class_coverage",
    "classifier_two_sample",
    "elbo",
    "expected_authenticity",
    "expected_class_coverage",
    "expected_coverage",
    "expected_entropy",
    "expected_frechet_distance",
    "expected_mode_coverage",
    "expected_mode_coverage_of_labels",
    "expected_ndb",
    "frechet_distance",
    "frechet_distance_infinity",
    "importance_weighted_bound",
    "inception_score",
    "kernel_distance",
    "kernel_within",
    "memorization_distance",
    "mmd_rbf",
    "mode_coverage",
    "mode_coverage_of_labels",
    "ndb",
    "neighbourhoods",
    "prdc",
    "sliced_wasserstein",
    "vendi_score",
]
