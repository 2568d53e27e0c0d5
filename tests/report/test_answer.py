"""Sentences about a run, held against hand-made numbers of which one sees what may be said."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from many_models import many_models, record

from genbench.analyse.standing import current
from genbench.analyse.summary import summarise
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.answer import Statement, answer
from genbench.report.facts import listed
from genbench.report.tables import build_tables

UP = {"quality.precision", "quality.recall", "quality.coverage", "modes.covered"}
GOOD, FAIR, POOR = (tuple(base + 0.01 * seed for seed in range(6)) for base in (1.0, 2.0, 3.0))
"""Six seeds each; no two of them overlap."""


def model(
    name: str,
    numbers: Mapping[str, Sequence[float]],
    lost: Sequence[int] = (),
    seconds: float = 0.0,
    **change: Any,
) -> list[Record]:
    """One model: numbers of each seed, and seeds that diverged."""
    made = []
    seeds = max([*(len(values) for values in numbers.values()), *(seed + 1 for seed in lost)])
    for seed in range(seeds):
        mine = {"model": name, "seed": seed, "trial": f"{name}-{seed}", **change}
        gone = seed in lost
        for metric, values in numbers.items():
            better = Better.HIGHER if metric in UP else Better.LOWER
            if not gone and seed < len(values):
                made.append(record(**mine, metric=metric, better=better, value=values[seed]))
        if seconds:
            made.append(record(**mine, metric="cost.seconds", unit="s", value=seconds))
        made.append(
            record(
                **mine, metric=OUTCOME, better=Better.NEITHER, value=2000.0,
                status=Status.DIVERGED if gone else Status.DONE, reason="not finite" if gone else "",
            )
        )  # fmt: skip
    return made


def control(name: str, **numbers: float) -> list[Record]:
    return [
        record(model=name, seed=seed, trial=f"{name}-{seed}", step=0, metric=f"quality.{metric}", value=value,
               better=Better.HIGHER if f"quality.{metric}" in UP else Better.LOWER)
        for metric, value in numbers.items()
        for seed in range(3)
    ]  # fmt: skip


def told(records: Sequence[Record]) -> dict[str, Statement]:
    """By what they are about."""
    (summary,) = summarise(records)
    return {one.about: one for one in answer(summary, current(records), build_tables(records))}


def said(records: Sequence[Record], about: str) -> str:
    found = told(records)
    return found[about].text if about in found else ""


def test_who_is_surely_best_is_named_with_its_number_and_the_next() -> None:
    records = [
        *model("a", {"quality.fid": GOOD}),
        *model("b", {"quality.fid": FAIR}),
        *control("real", fid=0.5),
    ]
    assert said(records, "Best") == (
        "a is best in FD. In FD, a has 1.025 [1.005, 1.045]; b, next in rank, has 2.025 [2.005, 2.045]; real "
        "data score 0.500; lower is better."
    )
    assert "No order" not in told(records)


def test_models_that_are_not_told_apart_share_the_first_place() -> None:
    alike = [1.005 + 0.01 * seed for seed in range(6)]
    records = [
        *model("a", {"quality.recall": POOR}),
        *model("b", {"quality.recall": [x + 2 for x in alike]}),
        *model("c", {"quality.recall": GOOD}),
    ]
    best = said(records, "Best")
    assert best.startswith("a and b share the first place in recall. In recall, a and b have 3.0")
    assert "c, next in rank, has 1.025" in best and best.endswith("higher is better.")


def test_nothing_is_claimed_where_no_two_are_told_apart() -> None:
    mixed = [1.0, 3.0, 1.1, 3.1, 1.2, 3.2]
    records = [*model("a", {"quality.fid": mixed}), *model("b", {"quality.fid": [x + 0.05 for x in mixed]})]
    assert "Best" not in told(records)
    assert said(records, "No order").startswith(
        "No two models are told apart in FD. That does not show that they are equal. In FD their medians are"
    )


def test_pairs_that_are_told_apart_are_named_though_a_chain_leaves_no_ranks() -> None:
    level = [float(x) for x in range(8)]
    far, middle = [x + 5 for x in level], [x + 2.5 for x in level]
    records = [
        *model("a", {"quality.fid": level, "quality.kid": level}, seconds=9.0),
        *model("b", {"quality.fid": middle, "quality.kid": level}, seconds=5.0),
        *model("c", {"quality.fid": far, "quality.kid": level}, seconds=1.0),
    ]
    found = told(records)
    assert "Best" not in found and "cheapest" not in (cost := found["Cost"].text)
    assert "Pareto" not in cost
    assert found["No order"].text == (
        "No two models are told apart in KD. That does not show that they are equal. In FD a chain of models "
        "that are not told apart links all of them, so that no order comes out; but some pairs are told "
        "apart. In FD: a is better than c."
    )
    assert "8 seeds a model. First places" in found["How sure"].text


def test_models_that_are_surely_the_same_are_called_so() -> None:
    close = [10.0 + seed / 1000 for seed in range(6)]
    records = [model(name, {"modes.covered": close, "quality.fid": GOOD}) for name in "abc"]
    flat = [record for mine in records for record in mine]
    order = said(flat, "No order")
    assert order == "In FD and modes covered, all 3 models are surely the same within 5 %."
    wide = [1.0, 3.0, 1.1, 3.1, 1.2, 3.2]
    apart = said([*flat, *model("d", {"modes.covered": [x + 8 for x in wide]})], "No order")
    assert apart.startswith("No two models are told apart in modes covered. That does not show")
    assert apart.endswith("equal. In FD, a, b and c are surely the same within 5 %.")


def test_what_one_model_alone_can_have_is_not_what_others_have_lost_or_not_yet() -> None:
    skipped = [
        record(model="b", seed=seed, trial=f"b-{seed}", metric="quality.elbo", value=None,
               status=Status.SKIPPED, reason="no likelihood")
        for seed in range(6)
    ]  # fmt: skip
    mine = [*model("a", {"quality.elbo": GOOD, "quality.fid": GOOD}), *model("b", {"quality.fid": FAIR})]
    assert "ELBO can be had of a alone." in said([*skipped, *mine], "No order")
    assert "Only a has a number in ELBO." in said(mine, "No order")
    began = [r for r in [*skipped, *mine] if not (r.model == "b" and r.metric == OUTCOME)]
    assert "Only a has a number in ELBO." in said(began, "No order")


def test_control_rows_alone_are_no_answer() -> None:
    found = told(control("real", fid=0.5))
    assert list(found) == ["No number"] and "control rows only" in found["No number"].text


def timed(name: str, pace: float, error: float, peak: float) -> list[Record]:
    about = {"model": name, "seed": None, "trial": f"cohort {name}"}
    return [
        *model(name, {"quality.fid": GOOD}),
        record(**about, metric="throughput.s_per_1000_steps", value=pace, error=error, unit="s"),
        record(**about, metric="throughput.peak", value=peak, error=1.0, unit="GFLOP/s",
               better=Better.NEITHER),
    ]  # fmt: skip


def test_times_of_a_disturbed_machine_are_told() -> None:
    calm = [*timed("a", 32.0, 0.4, 400.0), *timed("b", 18.0, 1.7, 430.0)]
    assert "Read with care" not in told(calm)
    vague = said([*calm, *timed("c", 19.0, 31.0, 410.0)], "Read with care")
    assert vague.startswith("The time of 1000 steps is not known to within 10 %: c (19 ± 31 s). The machine")
    assert "machine peak" not in vague and vague.endswith("read times and rates with care.")
    # half of the interval is held against 10 %
    assert "Read with care" not in told([*calm, *timed("c", 20.0, 1.99, 410.0)])
    assert "c (20.0 ± 2.0 s)" in said([*calm, *timed("c", 20.0, 2.01, 410.0)], "Read with care")
    slow = said([*calm, *timed("c", 19.0, 0.1, 300.0)], "Read with care")
    assert "machine peak, measured beside each model, is from 300 (c) to 430 (b) GFLOP/s." in slow
    assert "1000 steps" not in slow


def test_leaders_of_different_metrics_are_named_apart_the_most_first() -> None:
    records = [
        *model("a", {"quality.fid": FAIR, "quality.recall": POOR, "quality.coverage": POOR}),
        *model("b", {"quality.fid": GOOD, "quality.recall": GOOD, "quality.coverage": GOOD}),
    ]
    assert said(records, "Best").startswith(
        "a is best in recall and coverage. b is best in FD. In recall, a has"
    )


def test_one_model_is_told_beside_real_data_and_nothing_is_ranked() -> None:
    records = [*model("a", {"quality.fid": GOOD}), *control("real", fid=0.5)]
    assert said(records, "Best") == (
        "a is the only model: FD 1.025 [1.005, 1.045]; real data score 0.500; lower is better."
    )
    assert said(records, "How sure") == "6 seeds a model."


def test_one_seed_tells_nothing_apart_however_large_the_difference() -> None:
    records = [*model("a", {"quality.fid": [1.0]}), *model("b", {"quality.fid": [900.0]})]
    assert "Best" not in told(records) and "No two models are told apart" in said(records, "No order")
    sure = said(records, "How sure")
    assert sure.startswith("1 seed a model.") and "that takes 4 seeds a model or more." in sure


def test_seeds_that_are_too_few_for_so_many_models_are_told() -> None:
    few, enough = ([r for r in many_models(20, 1, n) if r.metric in ("quality.fid", OUTCOME)] for n in (5, 8))
    found = told(few)
    assert "no difference between so many models could be sure, however large: that takes 8 seeds" in (
        found["How sure"].text
    )
    assert "Best" not in found
    found = told(enough)
    assert "could be sure" not in found["How sure"].text and "Best" in found
    assert "more, next in rank" in found["Best"].text


def test_long_lists_are_counted() -> None:
    assert listed("abc") == "a, b and c" and listed(["a"]) == "a" and listed([]) == ""
    assert listed("abcdefghi") == "a, b, c, d and 5 more" and listed("abcd") == "a, b, c and d"


def test_lost_seeds_are_counted_and_a_model_without_any_is_named() -> None:
    records = [*model("a", {"quality.fid": GOOD}, lost=[2]), *model("b", {"quality.fid": FAIR}),
               *model("c", {}, lost=range(6))]  # fmt: skip
    lost = said(records, "Lost seeds")
    assert lost.startswith("Diverged: a (1 of 6) and c (6 of 6). In tests such a seed counts as worse")
    assert lost.endswith("No seed of c came to its end.")
    assert "In ranks such" in said([*records, *model("d", {"quality.fid": [99.0] * 12})], "Lost seeds")
    alone = said(model("a", {"quality.fid": GOOD}, lost=[2]), "Lost seeds")
    assert alone == "Diverged: a (1 of 6). Medians and intervals leave such a seed out."
    assert said(model("a", {"quality.fid": GOOD}), "Lost seeds") == "All 6 trainings came to their end."


def test_where_all_diverged_there_is_no_best() -> None:
    records = [*model("a", {}, lost=range(4)), *model("b", {}, lost=range(4)), *control("real", fid=0.5)]
    found = told(records)
    assert "Best" not in found and "Beside real data" not in found
    assert found["No number"].text.startswith("No model has a number")
    assert "ranks" not in found["Lost seeds"].text and "edians" not in found["Lost seeds"].text
    assert "No seed of a and b came to its end." in found["Lost seeds"].text


def test_a_quick_run_says_so_first_and_ranks_nothing() -> None:
    stamp = {"protocol": {"quick": True}}
    records = [*model("a", {"quality.fid": GOOD}, **stamp), *model("b", {"quality.fid": FAIR}, **stamp)]
    found = list(told(records).values())
    assert (found[0].about, found[0].loud) == ("Quick run", True) and "not for comparison" in found[0].text
    assert {one.about for one in found} == {"Quick run", "Lost seeds", "How sure"}


def test_a_fallback_is_told_before_anything_is_claimed() -> None:
    stamp = {"dataset": "digits", "protocol": {"fallback_for": "mnist"}}
    records = [*model("a", {"quality.fid": GOOD}, **stamp), *model("b", {"quality.fid": FAIR}, **stamp)]
    first = next(iter(told(records).values()))
    assert first.loud and first.text == (
        "mnist was asked for and could not be had. digits stood in: nothing here is of mnist."
    )


def test_numbers_that_were_not_taken_alike_are_not_called_equal() -> None:
    records = [
        *model("a", {"quality.fid": GOOD}),
        *model("b", {"quality.fid": POOR}, protocol={"n_fake": 10}),
    ]
    found = told(records)
    assert found["Not comparable"].loud and "FD" in found["Not comparable"].text
    assert "No order" not in found and "Best" not in found


def test_what_beats_real_data_is_told_with_the_controls_that_do_too() -> None:
    recall = {"quality.recall": POOR, "quality.fid": GOOD}
    records = [
        *model("a", recall), *model("b", {"quality.recall": GOOD, "quality.fid": GOOD}),
        *control("real", recall=2.0, fid=0.5), *control("noise", recall=4.0, fid=99.0),
    ]  # fmt: skip
    assert said(records, "Beside real data") == (
        "As good as real data or better, by the median: a in recall; in the other metrics no model. But so "
        "is noise in recall."
    )
    care = said(records, "Read with care")
    assert "score better than every model: noise in recall. Such a metric does not see" in care


def test_no_model_reaches_real_data() -> None:
    records = [
        *model("a", {"quality.fid": GOOD}),
        *model("b", {"quality.fid": FAIR}),
        *control("real", fid=0.1),
    ]
    assert said(records, "Beside real data") == ("By the median, no model is as good as real data in FD.")


def test_precision_of_a_collapsed_control_is_a_warning_and_a_model_below_noise_another() -> None:
    records = [
        *model("a", {"quality.precision": GOOD, "quality.fid": POOR}),
        *model("b", {"quality.precision": GOOD, "quality.fid": GOOD}),
        *control("collapsed", precision=9.0, fid=50.0), *control("noise", precision=0.0, fid=2.0),
    ]  # fmt: skip
    care = said(records, "Read with care")
    assert "collapsed (one class only) in precision." in care
    assert "By the median no better than noise: a in FD." in care


@pytest.mark.parametrize(
    ("dear", "front"), [(30.0, "a (1.025, 10 s)."), (2.0, "a (1.025, 10 s) and b (2.025, 2 s).")]
)
def test_cost_names_the_front(dear: float, front: str) -> None:
    records = [
        *model("a", {"quality.fid": GOOD}, seconds=10.0),
        *model("b", {"quality.fid": FAIR}, seconds=dear),
    ]
    text = said(records, "Cost")
    assert f"of FD and that time, where one rank counts as equal and so do times within 10 %: {front}" in text
    assert ("For every other model that has both there is one" in text) == (dear == 30.0)


def test_without_an_order_only_cost_counts() -> None:
    mixed = [1.0, 3.0, 1.1, 3.1, 1.2, 3.2]
    records = [
        *model("a", {"quality.fid": mixed}, seconds=10.0),
        *model("b", {"quality.fid": mixed}, seconds=30.0),
    ]
    assert said(records, "Cost").startswith(
        "Training a lane took from 10 s (a) to 30 s (b). As FD tells no two"
    )
    assert "cheapest, within 10 %: a (2.1" in said(records, "Cost")


def test_names_are_told_without_control_characters() -> None:
    records = [
        *model("a\x1b[31m", {"quality.fid": GOOD}, seconds=1.0),
        *model("b", {"quality.fid": FAIR}, seconds=2.0),
    ]
    assert said(records, "Best").startswith("a is best in FD.")
    assert "within 10 %: a (1.025, 1 s)." in said(records, "Cost")
