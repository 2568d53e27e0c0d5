"""Runs as files of pytest-benchmark: which rounds, which names, what stands beside them."""

import json
import random
import warnings
from dataclasses import replace
from statistics import median

import pytest
from pytest_benchmark.stats import Stats

from genbench.analyse.summary import summarise
from genbench.core.errors import GenbenchWarning, RecordError
from genbench.core.record import Better, Status
from genbench.report.as_pytest_benchmark import MEDIAN, PACE, RAW, document, render_pytest_benchmark
from genbench.report.rounds import round_stats
from genbench.store.rundir import RunDirectory

SECONDS = [0.5, 0.625, 0.5, 0.75, 0.5625]


def parsed(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def directory(tmp_path):
    return RunDirectory(tmp_path / "run")


@pytest.fixture
def timed(make, directory):
    """Records of one cohort's pace, and of its seeds' quality; its blocks go where the runner has them."""

    def cohort(model="gan", seeds=(0, 1, 2), seconds=SECONDS, *, raw=True, **change):
        protocol = {"quick": False, "precision": "bfloat16", "batch_size": 128}
        shared = {"model": model, "lanes": len(seeds), "protocol": protocol, **change}
        records = [
            make(**shared, seed=seed, trial=f"{model}{seed}", metric="quality.fid", value=10.0 + seed)
            for seed in seeds
        ]
        pace = {
            "metric": PACE,
            "unit": "s",
            "n": len(seconds),
            "trial": f"{model}-of-{len(seeds)}-{seeds[0]}",
        }
        value = 1000 * median(s / 32 for s in seconds)
        if raw:
            file = directory.make_trial(f"{model}{seeds[0]}").timing
            lines = [("warm-up", 32, 9.0), *(("training", 32, s) for s in seconds), ("training", 5, 0.01)]
            keys = ("phase", "steps", "seconds")
            file.write_text("".join(json.dumps(dict(zip(keys, x, strict=True))) + "\n" for x in lines))
        return [make(**shared, **pace, seed=None, value=value), *records]

    return cohort


@pytest.mark.parametrize("rounds", range(1, 14))
def test_statistics_are_those_of_pytest_benchmark(rounds):
    draw = random.Random(rounds)
    for _ in range(20):
        theirs = Stats()
        for _ in range(rounds):
            theirs.update(draw.lognormvariate(-3, 1))
        ours = round_stats(theirs.data, 32)
        assert ours["data"] == theirs.data and ours["iterations"] == 32
        outliers, known = ours.pop("outliers"), theirs.as_dict()
        assert outliers == known.pop("outliers")
        assert {key: ours[key] for key in known} == pytest.approx(known, rel=1e-12)
        assert (ours["ld15iqr"], ours["hd15iqr"]) == (theirs.ld15iqr, theirs.hd15iqr)


def test_a_cohort_is_a_benchmark_and_its_whole_blocks_are_the_rounds(timed, directory):
    content = document([*timed(), *timed("vae", seconds=[0.25, 0.25, 0.375])], directory)
    gan, vae = content["benchmarks"]
    assert (gan["group"], gan["name"], vae["name"]) == ("digits", "gan", "vae")
    assert gan["fullname"] == "mnist::digits::gan[3-bfloat16-128]"
    assert gan["params"] == {"lanes": 3, "precision": "bfloat16", "batch_size": 128}
    assert gan["stats"]["data"] == [s / 32 for s in SECONDS]
    assert (gan["stats"]["rounds"], gan["stats"]["iterations"]) == (5, 32)
    assert gan["stats"]["median"] == 0.5625 / 32
    assert gan["extra_info"]["rounds_are"] == RAW


def test_quality_stands_beside_it_as_the_tables_have_it(run, directory):
    with pytest.warns(GenbenchWarning):
        content = document(run, directory)
    (summary,) = summarise(run)
    by_name = {each["name"]: each["extra_info"] for each in content["benchmarks"]}
    assert list(by_name) == [r.model for r in summary.rows if not r.control and r.cells[PACE].estimate]
    for row in summary.rows:
        for metric, cell in row.cells.items() if row.model in by_name else ():
            said = by_name[row.model]["metrics"][metric]
            if cell.estimate:
                known = (cell.estimate.median, cell.estimate.low, cell.estimate.high, cell.estimate.n)
                assert tuple(said[key] for key in ("median", "low", "high", "n")) == known
            else:
                assert said["median"] is None and said["reasons"]
    gan = by_name["gan"]
    assert gan["seeds"] == {
        **dict.fromkeys(("failed", "timeout", "skipped", "interrupted", "unfinished"), 0),
        "asked": 5,
        "done": 4,
        "diverged": 1,
    }
    assert "diverged (seed 3)" in gan["endings"][0]
    assert (gan["lanes"], gan["steps"], gan["environment"]) == (5, 2000, "e41f09")
    fid = gan["metrics"]["quality.fid"]
    assert fid["better"] == "lower" and fid["versions"]["features"] == "9f3ac1d2"
    assert fid["protocol"]["precision"] == "bfloat16" and fid["protocol"]["n_fake"] == 2000


def test_stamps_that_numbers_do_not_share_are_all_there(timed, directory):
    pace, *quality = timed()
    quality[2] = replace(quality[2], protocol={**quality[2].protocol, "precision": "float32"})
    (gan,) = document([pace, *quality], directory)["benchmarks"]
    protocol = gan["extra_info"]["metrics"]["quality.fid"]["protocol"]
    assert protocol == {"quick": False, "precision": ["bfloat16", "float32"], "batch_size": 128}


def test_without_raw_blocks_the_median_is_the_only_round(timed, directory):
    for where in (None, directory):
        with pytest.warns(GenbenchWarning, match="gan on digits: the raw timed blocks are not there"):
            content = document(timed(raw=False), where)
        (gan,) = content["benchmarks"]
        assert gan["extra_info"]["rounds_are"] == MEDIAN
        stats = gan["stats"]
        assert stats["data"] == [0.5625 / 32] and (stats["rounds"], stats["iterations"]) == (1, 1)
        assert stats["min"] == stats["max"] == stats["median"] and stats["stddev"] == 0
        assert gan["extra_info"]["parts"] == [{"lanes": 3, "timed_blocks": 5, "used": True}]


@pytest.mark.parametrize("stale", [[s * 1.001 for s in SECONDS], SECONDS[:3], [*SECONDS, 0.5625]])
def test_blocks_that_are_not_those_of_the_records_are_not_taken(timed, directory, stale):
    timed(seconds=stale)
    with pytest.warns(GenbenchWarning, match="or are not those of the records"):
        (gan,) = document(timed(raw=False), directory)["benchmarks"]
    assert gan["stats"]["data"] == [0.5625 / 32]


def test_parts_of_equal_width_are_pooled_and_narrower_ones_are_left_out(timed, directory):
    other = [0.5, 0.53125, 0.5]
    records = [*timed(), *timed(seeds=(3, 4, 5), seconds=other), *timed(seeds=(6,), seconds=[0.1, 0.1, 0.2])]
    (gan,) = document(records, directory)["benchmarks"]
    assert gan["stats"]["data"] == [s / 32 for s in (*SECONDS, *other)]
    assert [part["used"] for part in gan["extra_info"]["parts"]] == [True, True, False]
    assert [part["lanes"] for part in gan["extra_info"]["parts"]] == [3, 3, 1]
    assert gan["params"]["lanes"] == 3 and gan["extra_info"]["seeds"]["asked"] == 7
    directory.trial("gan3").timing.unlink()
    with pytest.warns(GenbenchWarning, match="raw timed blocks are not there"):
        (gan,) = document(records, directory)["benchmarks"]  # never medians among blocks
    assert gan["stats"]["data"] == [0.5625 / 32, 0.5 / 32]


def test_what_was_not_timed_is_left_out_and_said(timed, make, directory):
    lost = make(
        model="vae", metric=PACE, value=None, seed=None, status=Status.FAILED, reason="Oops: it fell."
    )
    with pytest.warns(GenbenchWarning, match=r"vae on digits is left out: failed: Oops: it fell\.$"):
        content = document([*timed(), lost], directory)
    assert [each["name"] for each in content["benchmarks"]] == ["gan"]
    with pytest.warns(GenbenchWarning), pytest.raises(RecordError, match="nothing to export"):
        document([lost], directory)
    untimed = [record for record in timed() if record.metric != PACE]
    with pytest.warns(GenbenchWarning, match="does not measure throughput"), pytest.raises(RecordError):
        document(untimed, directory)


def test_control_rows_are_no_benchmarks(timed, make, directory):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # and none is missed
        content = document([*timed(), make(model="real", metric="quality.fid", value=0.1)], directory)
    assert [each["name"] for each in content["benchmarks"]] == ["gan"]


def test_runs_are_not_mixed(timed, directory):
    with pytest.raises(RecordError, match=r"records of 2 runs \(.*, other\).*one run at a time"):
        document([*timed(), *timed("vae", run="other")], directory)


def test_a_quick_run_says_so_in_every_name(timed, directory):
    quick = {"quick": True, "precision": "float32", "batch_size": 8}
    with pytest.warns(GenbenchWarning, match="quick run"):
        (gan,) = document(timed(protocol=quick), directory)["benchmarks"]
    assert gan["extra_info"]["quick"] is True
    assert gan["fullname"] == "mnist::digits::gan[3-float32-8-quick]"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (gan,) = document(timed(), directory)["benchmarks"]
    assert gan["extra_info"]["quick"] is False


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_the_text_is_json_without_nan(timed, make, directory):
    huge = [
        make(seed=seed, trial=f"gan{seed}", metric="x.huge", value=1.7e308, lanes=3, better=Better.NEITHER)
        for seed in (0, 1)
    ]
    content = parsed(render_pytest_benchmark([*timed(), *huge], directory))
    assert content["benchmarks"][0]["extra_info"]["metrics"]["x.huge"]["median"] is None
    assert content["version"] and content["datetime"] == "2026-08-14T10:15:00Z"


def test_names_are_harmless(timed):
    with pytest.warns(GenbenchWarning, match="gan on digits: the raw"):
        (one,) = document(timed("gan\x1b[31m\n\u202e", raw=False), None)["benchmarks"]
    assert one["name"] == "gan" and one["fullname"].startswith("mnist::digits::gan[")


def test_the_machine_is_the_one_of_the_records(timed, directory):
    records = timed()
    directory.environment.write_text('{"id": "00000000", "device": "another"}')
    assert "cpu" not in document(records, directory)["machine_info"]
    again = directory.path / "environment-e41f09.json"
    again.write_text(
        '{"id": "e41f09", "device": "EPYC", "cores": 2, "machine": "x86_64", "python": "3.11.7"}'
    )
    content = document(records, directory)
    assert content["machine_info"]["cpu"] == {"brand_raw": "EPYC", "count": 2}
    assert content["machine_info"]["python_version"] == "3.11.7"
    assert content["machine_info"]["environments"]["e41f09"]["machine"] == "x86_64"
    again.write_text("{")
    assert document(records, directory)["machine_info"] == {"environments": {"e41f09": {}}}


@pytest.mark.parametrize(
    ("code", "commit", "dirty"),
    [
        ("0.1.0+gab12cd3", "ab12cd3", False),
        ("0.1.0+gab12cd3-dirty", "ab12cd3", True),
        ("0.1.0", "unknown", False),
    ],
)
def test_the_commit_is_that_of_the_run(timed, directory, code, commit, dirty):
    said = document(timed(code=code), directory)["commit_info"]
    assert (said["id"], said["dirty"], said["version"]) == (commit, dirty, code)
