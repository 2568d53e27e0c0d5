"""Several runs as one set of records: nothing lost, nothing changed, nothing mixed that is not comparable."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_records import COLUMNS, changed, outcome, record, stamped, trained

from genbench.analyse.compare import compare_models
from genbench.analyse.merge import merged
from genbench.analyse.sides import mismatch, sides
from genbench.analyse.standing import current
from genbench.analyse.summary import summarise
from genbench.core.record import CONTROLS, OUTCOME, Record, Status
from genbench.store.loaded import LoadedRun
from genbench.store.rundir import RunDirectory


def loaded(name: str, records: Sequence[Record], asked: str = "", directory: Path | None = None) -> LoadedRun:
    folder = RunDirectory(directory) if directory else None
    return LoadedRun(asked or name, folder, tuple(changed(records, run=name)))


def controls(fid: float = 0.1, **change) -> list[Record]:
    return [
        record(
            "quality.fid", fid + seed / 100, model="real", seed=seed, step=0, trial=f"real {seed}", **change
        )
        for seed in range(3)
    ]


def small(model: str = "gan", **change) -> list[Record]:
    """One model with quality, cost and throughput."""
    numbers = {"quality.fid": [1.0, 2.0, 3.0], "cost.seconds": [5.0, 5.0, 5.0]}
    timed = {"throughput.images_per_s": [(100.0, 1.0)]}
    return trained(numbers, cohort=timed, model=model, **change)


def places(records: Sequence[Record]) -> dict[tuple[str, str], set[str]]:
    """Which models stand where: by run and metric."""
    found: dict[tuple[str, str], set[str]] = {}
    for each in records:
        found.setdefault((each.run, each.metric), set()).add(each.model)
    return found


def test_one_run_is_left_as_it_is() -> None:
    run = loaded("a", [*small(), *controls()])
    assert merged([run]).records == run.records and merged([run]).apart == ()


def test_runs_of_one_protocol_share_a_table_and_their_models_are_told_apart() -> None:
    one = loaded("r1", [*small(), *small("wgan")], "results/mnist/baseline")
    other = loaded("r2", [*small(), *small("vae")], "mnist/latest")
    found = merged([one, other])
    assert found.apart == ()
    assert {each.run for each in found.records} == {"r1 (baseline) + r2 (latest)"}
    (summary,) = summarise(found.records)
    assert [row.model for row in summary.rows] == ["gan (baseline)", "wgan", "gan (latest)", "vae"]
    assert all(row.counts.asked == row.counts.done == 3 for row in summary.rows)
    assert {row.cells["quality.fid"].estimate.n for row in summary.rows} == {3}
    # ids that both runs have are told apart too, the others stay
    first = {each.trial for each in found.records if each.seed == 0}
    assert first == {"digits gan 0@baseline", "digits gan 0@latest", "digits wgan 0", "digits vae 0"}


def test_two_machines_share_quality_but_not_time() -> None:
    one = loaded("r1", small())
    other = loaded("r2", stamped(small(), ["throughput.images_per_s", "cost.seconds"], device="rack"))
    found = merged([one, other])
    where = places(found.records)
    assert where["r1 + r2", "quality.fid"] == {"gan (r1)", "gan (r2)"}
    for run in ("r1", "r2"):
        for metric in ("cost.seconds", "throughput.images_per_s", OUTCOME):
            assert where[run, metric] == {f"gan ({run})"}
    assert where["r1 + r2", OUTCOME] == {"gan (r1)", "gan (r2)"}  # so that seeds are counted there too
    assert len(where) == 2 + 2 * 3
    assert found.apart == ("digits, cost, throughput: r1 and r2 stand apart: device box and rack.",)


def test_of_a_cohort_in_parts_the_widest_says_how_it_was_measured() -> None:
    def timed(*lanes: int) -> list[Record]:
        about = {"metric": "throughput.images_per_s", "value": 9.0, "seed": None}
        parts = {n: record(**about, trial=f"part {n}", lanes=n) for n in lanes}
        return [one for n, part in parts.items() for one in stamped([part], lanes=n)]

    whole, parts = loaded("r1", timed(4)), loaded("r2", changed(timed(4, 2), model="vae"))
    assert {each.run for each in merged([whole, parts]).records} == {"r1 + r2"}
    narrow = loaded("r3", changed(timed(2), model="wgan"))
    assert merged([whole, narrow]).apart == ("digits, throughput: r1 and r3 stand apart: lanes 4 and 2.",)


def test_one_metric_that_differs_keeps_its_whole_group_apart() -> None:
    numbers = {"quality.fid": [1.0, 2.0], "quality.recall": [0.1, 0.2], "modes.covered": [9.0, 10.0]}
    one, other = trained(numbers), trained(numbers)
    found = merged([loaded("r1", one), loaded("r2", stamped(other, ["quality.recall"], k=3))])
    where = places(found.records)
    assert where["r1", "quality.fid"] == {"gan (r1)"} and ("r1 + r2", "quality.fid") not in where
    assert where["r1 + r2", "modes.covered"] == {"gan (r1)", "gan (r2)"}


@pytest.mark.parametrize("third", ["quick", "data"])
def test_what_must_agree(third: str) -> None:
    one, other = loaded("r1", small()), loaded("r2", small())
    if third == "quick":
        last = loaded("r3", stamped(small(), ["cost.seconds"], quick=True))  # some of it is enough
    else:
        records = [replace(r, versions={**r.versions, "data": "other"}) for r in small()]
        last = loaded("r3", records)
    found = merged([one, other, last])
    where = places(found.records)
    assert ("r1 + r2", "quality.fid") in where and where["r3", "quality.fid"] == {"gan"}
    assert all("r1 and r3 stand apart" in told for told in found.apart) and found.apart


def test_a_fallback_stands_apart_from_who_asked_for_that_data() -> None:
    asked = loaded("r1", small())
    stood_in = loaded("r2", stamped(small("vae"), fallback_for="mnist"))
    for runs in ([asked, stood_in], [stood_in, asked]):
        found = merged(runs)
        assert {(r.run, r.model) for r in found.records} == {("r1", "gan"), ("r2", "vae")}
        (told,) = found.apart
        assert told.startswith("digits, quality, cost, throughput: r1 and r2 stand apart: ")
        assert told.endswith(": r2 has this dataset as a fallback for mnist.")
    both = [stood_in, loaded("r3", stamped(small("wgan"), fallback_for="mnist"))]
    assert {r.run for r in merged(both).records} == {"r2 + r3"} and not merged(both).apart
    other = loaded("r4", stamped(small(), fallback_for="stacked"))
    (told,) = merged([stood_in, other]).apart
    assert told.endswith(
        ": r2 has this dataset as a fallback for mnist and r4 has this dataset as a fallback for stacked."
    )


def test_runs_of_two_suites_may_stand_together() -> None:
    found = merged([loaded("r1", small(suite="long")), loaded("r2", small("vae", suite="short"))])
    (summary,) = summarise(found.records)
    assert (summary.run, summary.suite) == ("r1 + r2", "long + short")
    assert [row.model for row in summary.rows] == ["gan", "vae"]  # nothing to tell apart


def test_control_rows_stand_once_unless_they_score_otherwise() -> None:
    one, other = [*small(), *controls()], [*small("vae"), *controls(0.1001)]
    found = merged([loaded("r1", one), loaded("r2", other)])
    assert [r.value for r in found.records if r.model == "real"] == [r.value for r in controls()]
    (summary,) = summarise(found.records)
    assert [row.model for row in summary.rows] == ["gan", "vae", "real"]
    found = merged([loaded("r1", one), loaded("r2", [*small("vae"), *controls(0.2)])])
    assert {r.run for r in found.records if r.metric == "quality.fid"} == {"r1", "r2"}
    (told,) = found.apart
    assert told.startswith(
        "digits, quality: r1 and r2 stand apart: control row real has quality.fid 0.11 and"
    )
    assert {r.run for r in found.records if r.metric == "cost.seconds"} == {"r1 + r2"}


def test_a_run_without_such_metrics_stands_beside_those_that_have_them_if_that_is_one_table() -> None:
    bare = [r for r in small("vae") if not r.metric.startswith(("cost", "throughput"))]
    one = loaded("r1", small())
    assert {r.run for r in merged([one, loaded("r2", bare)]).records} == {"r1 + r2"}
    rack = loaded("r3", stamped(small("wgan"), ["throughput.images_per_s", "cost.seconds"], device="rack"))
    where = places(merged([one, loaded("r2", bare), rack]).records)
    assert where["r1 + r2 + r3", "quality.fid"] == {"gan", "vae", "wgan"}
    assert where["r1", "cost.seconds"] == {"gan"} and where["r3", "cost.seconds"] == {"wgan"}


def test_a_trial_that_was_cut_short_keeps_its_run_apart() -> None:
    on_the_way = [
        record("quality.fid", 9.0, seed=0, step=50),
        record("cost.seconds", 2.0, seed=0, step=50),
    ]
    found = merged([loaded("r1", small()), loaded("r2", on_the_way)])
    cut = next(s for s in summarise(found.records) if s.run == "r2")
    assert cut.rows[0].cells["quality.fid"].estimate is None  # as in the run itself
    assert "r2 has trials that were cut short" in found.apart[0]


def test_numbers_of_an_attempt_that_was_begun_again_do_not_come_back() -> None:
    first = [record("quality.fid", 9.0, seed=0), outcome(Status.FAILED, seed=0)]
    again = [record("modes.covered", 3.0, seed=0)]
    run = loaded("r1", [*first, *again])
    assert [r.metric for r in current(run.records)] == ["modes.covered"]
    found = merged([run, loaded("r2", small("vae"))])
    assert "quality.fid" not in {r.metric for r in found.records if r.model == "gan"}


def test_a_run_of_two_protocols_stands_beside_neither() -> None:
    two = [*small(), *stamped(small("vae"), ["quality.fid"], n_fake=9)]
    found = merged([loaded("r1", two), loaded("r2", small("wgan"))])
    assert ("r1 + r2", "quality.fid") not in places(found.records)
    assert found.apart == ("digits, quality: r1 and r2 stand apart: n fake 9 and 500.",)


def test_who_agrees_with_two_that_disagree_goes_with_the_earlier_one_in_any_order() -> None:
    numbers = {"quality.fid": [1.0, 2.0]}
    first, last = loaded("r1", trained(numbers)), loaded("r3", stamped(trained(numbers), n_fake=9))
    broken = trained(numbers, endings=dict.fromkeys((0, 1), Status.FAILED), model="vae")
    between = loaded("r2", broken)  # without a number, it does not say of how many samples
    for order in permutations([first, between, last]):
        where = places(merged(order).records)
        assert where["r3", "quality.fid"] == {"gan"} and {"gan", "vae"} in where.values()


def test_two_copies_of_one_run_are_two_runs() -> None:
    found = merged([loaded("r", small(), "here/a"), loaded("r", small(), "there/b")])
    (summary,) = summarise(found.records)
    assert summary.run == "r (a) + r (b)"
    assert [row.model for row in summary.rows] == ["gan (a)", "gan (b)"]
    assert [row.cells["quality.fid"].estimate.n for row in summary.rows] == [3, 3]


def test_a_label_that_is_taken_is_made_longer() -> None:
    runs = [loaded("a", [*small(), *small("gan (b)")]), loaded("b", small())]
    (summary,) = summarise(merged(runs).records)
    assert [row.model for row in summary.rows] == ["gan (a)", "gan (b)", "gan (b) (b)"]


def test_folders_of_trials_are_found_under_their_new_ids(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "trials" / "digits gan 0").mkdir(parents=True)
    runs = [loaded(name, small(), directory=tmp_path / name) for name in ("a", "b")]
    found = merged(runs)
    folders = {id_: folder.path.relative_to(tmp_path).as_posix() for id_, folder in found.trials.items()}
    assert folders == {
        "digits gan 0@a": "a/trials/digits gan 0",
        "digits gan 0@b": "b/trials/digits gan 0",
    }
    assert folders.keys() <= {each.trial for each in found.records}
    assert list(merged(runs[:1]).trials) == ["digits gan 0"]


# Any runs at all.

METRICS = [name for name in COLUMNS if name != "throughput.images_per_s"]


@st.composite
def runs(draw: st.DrawFn) -> list[LoadedRun]:
    """Two to four runs of two suites on one or two datasets, whose protocols may differ in one place."""
    made = []
    for place in range(draw(st.integers(2, 4))):
        quick = draw(st.sampled_from([False, False, False, True]))
        n_fake, device, data = draw(st.sampled_from([(500, "box", "d1"), (500, "rack", "d1"),
                                                     (900, "box", "d1"), (500, "box", "d2")]))  # fmt: skip
        chosen = draw(st.lists(st.sampled_from(METRICS), min_size=1, unique=True))
        records: list[Record] = []
        for dataset in draw(st.sampled_from([("digits",), ("ring",), ("digits", "ring")])):
            for model in draw(st.lists(st.sampled_from(["gan", "vae", "wgan"]), min_size=1, unique=True)):
                endings = draw(st.dictionaries(st.integers(0, 1), st.sampled_from(list(Status)), max_size=1))
                numbers = {name: [draw(st.integers(1, 9)) / 1.0, 2.0] for name in chosen}
                timed = {"throughput.images_per_s": [(draw(st.integers(1, 9)) / 1.0, None)]}
                records += trained(numbers, endings=endings, cohort=timed, dataset=dataset, model=model)
            if draw(st.booleans()):
                records += controls(draw(st.sampled_from([0.1, 0.1, 0.5])), dataset=dataset)
        records = [
            replace(
                r,
                versions={**r.versions, **({"data": data} if "data" in r.versions else {})},
                protocol={
                    **r.protocol,
                    "quick": quick,
                    **({"n_fake": n_fake} if "n_fake" in r.protocol else {}),
                    **({"device": device} if "device" in r.protocol else {}),
                },
            )
            for r in records
        ]
        made.append(loaded(f"r{place}", changed(records, suite=draw(st.sampled_from("st")))))
    return made


def bare(each: Record) -> str:
    """What must never change of a record."""
    content = json.loads(each.to_json())
    return json.dumps({k: v for k, v in content.items() if k not in ("run", "suite", "trial", "model")})


@settings(max_examples=8)
@given(runs())
def test_no_number_is_lost_changed_or_made(asked: list[LoadedRun]) -> None:
    before = [r for run in asked for r in run.records]
    after = merged(asked).records

    def numbers(records: Sequence[Record]) -> Counter[str]:
        return Counter(bare(r) for r in records if r.metric != OUTCOME and r.model not in CONTROLS)

    assert numbers(before) == numbers(after)
    drawn = {(r.dataset, r.model, r.metric, r.seed) for r in before if r.model in CONTROLS}
    assert drawn == {(r.dataset, r.model, r.metric, r.seed) for r in after if r.model in CONTROLS}
    assert {bare(r) for r in after} <= {bare(r) for r in before}


@given(runs())
@pytest.mark.run
def test_every_cell_is_the_one_of_its_run(asked: list[LoadedRun]) -> None:
    def cells(records: Sequence[Record]) -> Counter[str]:
        held = {(r.run, r.dataset, r.model, r.metric) for r in records}
        return Counter(
            repr((summary.dataset, metric, row.counts, row.endings, cell))
            for summary in summarise(records)
            for row in summary.rows
            for metric, cell in row.cells.items()
            if not row.control and (summary.run, summary.dataset, row.model, metric) in held
        )

    assert cells([r for run in asked for r in run.records]) == cells(merged(asked).records)


@given(runs())
@pytest.mark.run
def test_no_column_mixes_protocols(asked: list[LoadedRun]) -> None:
    found = merged(asked)
    for summary in summarise(found.records):
        mine = [r for r in found.records if (r.run, r.dataset) == (summary.run, summary.dataset)]
        assert len({r.protocol["quick"] for r in mine}) == 1
        models = list(sides(mine).values())
        for one, other in combinations(models, 2):
            for metric in one.metrics.keys() & other.metrics.keys():
                assert not mismatch(one.metrics[metric], other.metrics[metric])
        if len(models) > 1 and not mine[0].protocol["quick"]:
            assert compare_models(mine).base == (summary.run,)  # not refused


@given(runs())
@settings(max_examples=15, deadline=None)
@pytest.mark.run
def test_the_order_of_runs_decides_order_and_nothing_else(asked: list[LoadedRun]) -> None:
    def content(some: Sequence[LoadedRun]) -> Counter[tuple[object, ...]]:
        return Counter(
            (frozenset(r.run.split(" + ")), r.trial, r.model, bare(r)) for r in merged(some).records
        )

    first = content(asked)
    assert all(content(order) == first for order in list(permutations(asked))[:4])


@given(runs())
@settings(max_examples=15, deadline=None)
@pytest.mark.run
def test_runs_in_one_file_are_as_runs_in_files_of_their_own(asked: list[LoadedRun]) -> None:
    first, second, *others = asked
    together = LoadedRun("both", None, (*first.records, *second.records))
    if others:
        assert merged([together, *others]).records == merged(asked).records
