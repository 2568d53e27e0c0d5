import pytest

from genbench.core.registry import measures


@pytest.mark.parametrize(("name", "per_cohort"), [("throughput", True), ("modes", False), ("quality", False)])
def test_a_measure_says_whether_it_measures_whole_cohorts(name, per_cohort):
    assert measures.get(name).per_cohort is per_cohort
