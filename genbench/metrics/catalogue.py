"""Every number that a metric can give, with its unit, direction and range."""

from __future__ import annotations

from genbench.core.record import Column
from genbench.metrics.birthday import (
    BIRTHDAY_AT_LEAST,
    BIRTHDAY_BATCH,
    BIRTHDAY_DUPLICATES,
    BIRTHDAY_SUPPORT,
)
from genbench.metrics.bound import ELBO, IMPORTANCE_WEIGHTED_BOUND
from genbench.metrics.class_coverage import (
    CLASS_ENTROPY,
    CLASS_KL,
    CLASS_TOTAL_VARIATION,
    CLASSES_COVERED,
)
from genbench.metrics.frechet import FRECHET_DISTANCE, FRECHET_DISTANCE_INFINITY
from genbench.metrics.inception import INCEPTION_SCORE
from genbench.metrics.kernel import KERNEL_DISTANCE, MMD_RBF
from genbench.metrics.memorization import AUTHENTICITY, MEMORIZATION_DISTANCE
from genbench.metrics.mode_coverage import HIGH_QUALITY, MODES_COVERED, REVERSE_KL
from genbench.metrics.ndb import NDB_DIFFERENT, NDB_JENSEN_SHANNON
from genbench.metrics.prdc import COVERAGE, DENSITY, PRECISION, RECALL
from genbench.metrics.two_sample import C2ST_ACCURACY, C2ST_AUC, C2ST_P_VALUE
from genbench.metrics.vendi import VENDI_SCORE
from genbench.metrics.wasserstein import SLICED_WASSERSTEIN

METRICS: tuple[Column, ...] = (
    # distance of two sets of features
    FRECHET_DISTANCE,
    FRECHET_DISTANCE_INFINITY,
    KERNEL_DISTANCE,
    MMD_RBF,
    SLICED_WASSERSTEIN,
    C2ST_ACCURACY,
    C2ST_AUC,
    C2ST_P_VALUE,
    # fidelity and variety apart
    PRECISION,
    RECALL,
    DENSITY,
    COVERAGE,
    # variety
    CLASSES_COVERED,
    CLASS_ENTROPY,
    CLASS_KL,
    CLASS_TOTAL_VARIATION,
    MODES_COVERED,
    HIGH_QUALITY,
    REVERSE_KL,
    NDB_DIFFERENT,
    NDB_JENSEN_SHANNON,
    INCEPTION_SCORE,
    VENDI_SCORE,
    BIRTHDAY_DUPLICATES,
    BIRTHDAY_SUPPORT,
    BIRTHDAY_AT_LEAST,
    BIRTHDAY_BATCH,
    # memorization
    AUTHENTICITY,
    MEMORIZATION_DISTANCE,
    # likelihood
    ELBO,
    IMPORTANCE_WEIGHTED_BOUND,
)
"""Named by the function, and where that returns several numbers by the field: ``prdc.recall``."""
