import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.analyse.rank import not_dominated, rank_columns, ranks, told_apart
from genbench.analyse.sides import Measured, Side
from genbench.analyse.significance import holm, mann_whitney
from genbench.analyse.verdict import all_same
from genbench.core.record import Better


def side(values, better=Better.LOWER, lost=(), **change):
    numbers = {seed: float(value) for seed, value in enumerate(values)}
    return Side("quality.fid", "", better, numbers, frozenset(lost), (), **change)


def level(at, n=8):
    return [at + step / 100 for step in range(n)]


def test_models_apart_are_ranked_towards_the_better():
    low = {"a": side(level(3)), "b": side(level(1)), "c": side(level(2))}
    assert ranks(low) == {"a": 3, "b": 1, "c": 2}
    high = {name: side(one.values.values(), Better.HIGHER) for name, one in low.items()}
    assert ranks(high) == {"a": 1, "b": 3, "c": 2}


def test_models_that_tie_share_a_rank_and_the_next_is_counted_on():
    found = ranks({"a": side(level(1)), "b": side(level(1.005)), "c": side(level(2)), "d": side(level(0))})
    assert found == {"d": 1, "a": 2, "b": 2, "c": 4}


def test_a_chain_of_ties_is_one_rank_though_its_ends_differ():
    chain = {"a": side(range(8)), "b": side([x + 2.5 for x in range(8)]), "c": side(range(5, 13))}
    assert mann_whitney(chain["a"].ordered(), chain["c"].ordered()) < 0.05 / 3
    assert min(mann_whitney(chain["b"].ordered(), chain[x].ordered()) for x in "ac") > 0.05
    assert ranks(chain) == {}
    assert told_apart(chain) == (("a", "c"),)
    assert told_apart({name: side(one.values.values(), Better.HIGHER) for name, one in chain.items()}) == (
        ("c", "a"),
    )
    assert ranks({**chain, "far": side(level(99))}) == {"a": 1, "b": 1, "c": 1, "far": 4}


def test_nothing_is_ranked_that_seeds_do_not_tell_apart():
    assert ranks({"a": side(level(1, 3)), "b": side(level(2, 3))}) == {}  # p of 3 and 3 is at least 0.1
    assert ranks({"a": side(level(1)), "b": side(level(1))}) == {}
    assert ranks({"a": side(level(1))}) == ranks({}) == {}


def test_pairs_that_nothing_tells_apart_are_none_and_those_that_cannot_be_tested_are_not_known():
    assert told_apart({"a": side(level(1)), "b": side(level(1))}) == told_apart({}) == ()
    assert told_apart({"a": side(level(1), Better.NEITHER), "b": side(level(2), Better.NEITHER)}) is None
    stamps = ({"n fake": frozenset({"10"})}, {"n fake": frozenset({"20"})})
    assert told_apart({x: side(level(n), stamps=stamps[n]) for n, x in enumerate("ab")}) is None


def test_metrics_without_a_direction_or_a_number_have_no_ranks():
    assert ranks({"a": side(level(1), Better.NEITHER), "b": side(level(2), Better.NEITHER)}) == {}
    assert ranks({"a": side(level(1)), "b": side(level(2)), "c": side([])}) == {"a": 1, "b": 2}


def test_numbers_of_other_protocols_are_not_ranked():
    stamps = ({"n fake": frozenset({"10"})}, {"n fake": frozenset({"20"})})
    assert ranks({"a": side(level(1), stamps=stamps[0]), "b": side(level(2), stamps=stamps[0])})
    assert ranks({"a": side(level(1), stamps=stamps[0]), "b": side(level(2), stamps=stamps[1])}) == {}


def test_seeds_that_were_lost_are_worse_than_all_others():
    assert ranks({"a": side(level(9)), "b": side([], lost=range(8))}) == {"a": 1, "b": 2}


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=5, max_size=7), min_size=2, max_size=5),
    st.sampled_from([Better.HIGHER, Better.LOWER]),
    st.randoms(use_true_random=False),
)
def test_no_order_is_false(values, better, shuffler):
    models = {str(number): side(mine, better) for number, mine in enumerate(values)}
    found = ranks(models)
    names = list(models)
    shuffler.shuffle(names)
    assert ranks({name: models[name] for name in names}) == found
    if not found:
        return
    assert min(found.values()) == 1
    pairs = [(a, b) for i, a in enumerate(models) for b in list(models)[i + 1 :]]
    adjusted = holm([mann_whitney(models[a].ordered(), models[b].ordered()) for a, b in pairs])
    for (a, b), p in zip(pairs, adjusted, strict=True):
        if p > 0.05:
            assert found[a] == found[b]  # tied models share a rank
        elif found[a] != found[b]:
            first, second = (a, b) if found[a] < found[b] else (b, a)
            sign = 1 if better is Better.HIGHER else -1
            assert sign * (np.median(models[first].ordered()) - np.median(models[second].ordered())) >= 0
    for rank in found.values():
        assert rank == 1 + sum(other < rank for other in found.values())


def test_models_alike_are_seldom_ranked():
    draw, false = random.Random(3), 0
    for _ in range(200):
        models = {name: side([draw.gauss(0, 1) for _ in range(6)]) for name in "abcd"}
        false += bool(ranks(models))
    assert false <= 18  # 5 % of 200 and three standard errors


def test_models_are_all_the_same_where_every_two_surely_are():
    near = {name: side([10 + (seed + n) % 8 / 100 for seed in range(8)]) for n, name in enumerate("abc")}
    assert all_same(near)
    assert not all_same({**near, "d": side(level(12))}) and not all_same({"d": side(level(12)), **near})
    assert not all_same({name: side([10.0, 10.0, 10.0]) for name in "ab"})  # too few for an interval
    other = side(level(10), stamps={"n fake": frozenset({"20"})})
    assert not all_same({"a": side(level(10), stamps={"n fake": frozenset({"10"})}), "b": other})


def test_columns_without_ranks_are_left_out():
    models = {
        "a": {"x": side(level(1)), "y": side(level(1))},
        "b": {"x": side(level(2)), "y": side(level(1))},
    }
    assert rank_columns(models, ["x", "y", "z"]) == {"x": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    ("quality", "cost", "left"),
    [
        ({"a": 1, "b": 2}, {"a": 1.0, "b": 2.0}, ("a",)),  # better and cheaper
        ({"a": 1, "b": 2}, {"a": 2.0, "b": 1.0}, ("a", "b")),  # better and dearer
        ({"a": 1, "b": 1}, {"a": 2.0, "b": 1.0}, ("b",)),  # as good and cheaper
        ({"a": 1, "b": 1}, {"a": 1.05, "b": 1.0}, ("a", "b")),  # as good for the same cost
        ({"a": 1, "b": 2}, {"a": 1.05, "b": 1.0}, ("a",)),  # better for the same cost
        ({"a": 1, "b": 2, "c": 3}, {"a": 9.0, "b": 3.0, "c": 5.0}, ("a", "b")),
        ({"a": 1, "b": 2}, {"b": 1.0}, ("b",)),
        ({}, {}, ()),
    ],
)
def test_models_that_none_dominates(quality, cost, left):
    assert not_dominated(quality, cost) == left


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(1, 4), st.floats(0.5, 20)), min_size=1)
)
def test_someone_is_never_dominated(models):
    left = not_dominated(
        {m: rank for m, (rank, _) in models.items()}, {m: cost for m, (_, cost) in models.items()}
    )
    assert left
    cheapest = min(models, key=lambda m: (models[m][0], models[m][1]))  # of the best
    assert cheapest in left


def test_cost_is_the_median_of_its_measurements():
    from genbench.analyse.rank import cost_of

    times = tuple(Measured(value, None) for value in (3.0, 1.0, 2.0))
    assert cost_of(Side("cost.seconds", "s", Better.LOWER, {}, frozenset(), times)) == 2.0
    assert cost_of(None) is cost_of(side(level(1))) is None
