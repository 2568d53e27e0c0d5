import pytest

from genbench.core.registry import measures


@pytest.mark.parametrize(("name", "per_cohort"), [("throughput", True), ("modes", False), ("quality", False)])
def test_a_measure_says_whether_it_measures_whole_cohorts(name, per_cohort):
    assert measures.get(name).per_cohort is per_cohort


def test_every_number_has_a_heading_and_every_heading_a_number():
    """Measures and headings lie in rooms that do not know each other (one imports torch)."""
    from genbench.report.headings import _LABELS
    from genbench.runner import cost, target

    own = [name for name in measures.names() if measures.is_builtin(name)]  # other tests may register some
    measured = [column for name in own for column in measures.get(name).columns]
    measured += [*cost.COLUMNS, *target.COLUMNS]
    assert sorted(column.metric for column in measured) == sorted(_LABELS)


def test_a_columns_heading_is_not_its_own_business():
    assert all(not hasattr(column, "label") for column in measures.get("quality").columns)
