"""Direction and range of every number, and how measures are taken: what ranks models stands here twice."""

import math

import pytest

from genbench.core.record import Better
from genbench.core.registry import measures
from genbench.metrics.catalogue import METRICS

OF_MEASURES = """
-inf inf dirac: predicted_real measured_real rate_simultaneous_predicted rate_alternating_predicted
-inf inf dirac: rate_simultaneous rate_alternating
0 inf dirac: predicted_imaginary measured_imaginary radius_simultaneous radius_alternating
0 1 explainers: mass+ pointing+ mass_untrained
0 inf explainers: infidelity- ms-
0 1 interpretability: coverage+ class_entropy axis_percentile disentanglement completeness random_d
0 1 interpretability: separability majority
0 inf interpretability: residual- inversion- inversion_features- latent_norm path_energy
0 inf interpretability: path_energy_features intrinsic_dimension intrinsic_dimension_real
0 inf interpretability: completeness_error- infidelity infidelity_shuffled infidelity_mean
-1 1 interpretability: axis_gain+ sefa_gain
-inf 1 interpretability: info_r2+ info_forest+ encoder_r2 native_r2+
-inf inf interpretability: gilbo
1 inf interpretability: effective_dimension
0 12 interpretability: condition
0 inf known_modes: covered+ reverse_kl-
0 1 known_modes: high_quality+
0 1 literature: mig+ mig_rotated sap dci_d+ d_rotated dci_c factor_vae modularity
-inf 1 literature: dci_i+
0 1 memorization: authenticity distance
0 inf modes: covered+ entropy+ kl-
0 inf quality: fid- density+
-inf inf quality: kid- elbo+ iw_bound+
0 1 quality: precision+ recall+ coverage+
0 1 representation: probe+ nmi+ probe_code+ nmi_code+ majority
0 1 rotation: index
-inf inf rotation: max_real duality_gap
0 inf rotation: asymmetry gradient
0 1 stability: failed- churn late_collapsed- straightness critic_auc- d_auc d_confident
0 inf stability: score- drift collapse_events- spikes
-inf inf stability: drawdown-
-inf ln2 stability: critic_jsd-
-1 1 stability: d_gap
"""
"""Range and family, then names: + is better higher, - lower, without a sign neither."""

OF_METRICS = """
0 inf .: frechet_distance- sliced_wasserstein-
-inf inf .: frechet_distance_infinity- kernel_distance- elbo+ importance_weighted_bound+
-2 2 .: mmd_rbf-
0 1 classifier_two_sample: accuracy- auc- p_value
0 1 prdc: precision+ recall+ coverage+
0 inf prdc: density+
0 inf class_coverage: covered+ entropy+ kl-
0 1 class_coverage: total_variation-
0 inf mode_coverage: covered+ reverse_kl-
0 1 mode_coverage: high_quality+
0 inf ndb: different-
0 ln2 ndb: jensen_shannon-
1 inf .: inception_score+ vendi_score+
0 inf birthday_support: duplicates- at_least+
1 inf birthday_support: support+ batch+
0 1 .: authenticity memorization_distance
"""


def declared(table):
    """Name to direction and range."""
    found = {}
    for line in table.strip().splitlines():
        ends, names = line.split(": ")
        low, high, family = ends.split()
        for name in names.split():
            better = {"+": Better.HIGHER, "-": Better.LOWER}.get(name[-1], Better.NEITHER)
            metric = f"{family}.{name}".removeprefix(".").lstrip(".").rstrip("+-")
            found[metric] = (better, *(math.log(2) if end == "ln2" else float(end) for end in (low, high)))
    return found


def as_declared(columns):
    return {
        c.metric: (
            c.better,
            -math.inf if c.low is None else c.low,
            math.inf if c.high is None else c.high,
        )
        for c in columns
    }


def builtin():
    return {name: measures.get(name) for name in measures.names() if measures.is_builtin(name)}


def test_directions_and_ranges_of_measures():
    columns = [c for name, measure in builtin().items() if name != "throughput" for c in measure.columns]
    assert as_declared(columns) == declared(OF_MEASURES)
    assert {c.version for c in columns} == {"1"}


def test_directions_and_ranges_of_metrics():
    assert as_declared(METRICS) == declared(OF_METRICS)
    assert {c.version for c in METRICS} == {"1"}


def test_costs_are_better_low_and_speeds_high():
    columns = builtin()["throughput"].columns
    better = {c.metric.partition(".")[2]: c.better for c in columns}
    neither = {"parameters", "flops_per_image", "peak"}
    assert {name for name, way in better.items() if way is Better.NEITHER} == neither
    speeds = {name for name, way in better.items() if way is Better.HIGHER}
    assert speeds == {name for name in better if name.endswith("_per_s")} | {"achieved", "utilization"}
    assert {(c.low, c.high, c.version) for c in columns} == {(0.0, None, "1")}


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("dirac", "once a cohort"),
        ("throughput", "once a cohort"),
        ("explainers", "of no lane"),
        ("interpretability", "at the end"),
        ("literature", "at the end"),
        ("representation", "at the end"),
        ("rotation", "at the end"),
        ("stability", "at the end, by its trace"),
        ("known_modes", "of samples"),
        ("memorization", "of samples"),
        ("modes", "of samples"),
        ("quality", "of samples"),
    ],
)
def test_how_a_measure_is_taken(name, taken):
    measure = builtin()[name]
    flags = {
        "once a cohort": (True, None, None),
        "of no lane": (False, False, False),
        "at the end": (False, False, True),
        "at the end, by its trace": (False, True, True),
        "of samples": (False, None, None),
    }[taken]
    assert tuple(getattr(measure, flag, None) for flag in ("per_cohort", "traced", "of_lanes")) == flags
