"""Words on what was drawn: how many seeds, and what their intervals are."""

import pytest

from genbench.analyse.estimates import Estimate
from genbench.report.figures.captions import count_of, intervals

NONE = "without an interval: there are fewer than three seeds"
RANGE = "with their 95 % bootstrap interval over seeds (of fewer than six seeds: their range)"
NOMINAL = "with their 95 % bootstrap interval over seeds"


@pytest.mark.parametrize(
    ("seeds", "told"),
    [((), NONE), ((1, 2), NONE), ((2, 3), RANGE), ((5, 9), RANGE), ((2, 6), NOMINAL), ((6, 9), NOMINAL)],
)
def test_an_interval_of_few_seeds_is_their_range(seeds, told):
    guesses = [Estimate(1.0, None, None, n) for n in seeds]
    assert intervals([*guesses, None, Estimate(1.0, 0.9, 1.1, 4, over="measurement")]) == told


@pytest.mark.parametrize(
    ("numbers", "told"), [((3, 1, 3), "1 to 3 seeds"), ((1, 1), "1 seed"), ((4,), "4 seeds"), ((), "0 seeds")]
)
def test_counts_are_a_number_or_a_range(numbers, told):
    assert count_of(numbers, "seed") == told
