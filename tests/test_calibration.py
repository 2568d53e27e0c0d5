"""The calibration of gates: how sides are taken, what counts as an alarm, and that the command runs."""

import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="the source tree is not there, and benchmarks are only in it"
)


def made(metric, value, *, model="ns_gan", seed=0, better="lower", run="run", error=None):
    from genbench.core.record import Better, Record, Status

    trial = f"{model} {seed}"
    return Record(
        run=run, suite="s", trial=trial, model=model, dataset="ring", seed=seed, step=9, metric=metric,
        value=value, error=error, unit="", better=Better(better), n=1, lanes=1, status=Status.DONE, reason="",
        env="e", code="c", at="now",
    )  # fmt: skip


def a_pool(count, *, moved=0.0, start=0, draw=0):
    """Seeds whose numbers are drawn; ``moved`` makes those of one metric of one model worse."""
    from calibration.pool import METRICS
    from calibration.runs import MODELS

    random = np.random.default_rng(draw)

    def one(seed, model, metric):
        worse = moved if (model, metric) == ("ns_gan", "quality.fid") else 0.0
        return made(metric, float(100 + worse + random.standard_normal()), model=model, seed=seed)

    def records(seed):
        numbers = [one(seed, model, metric) for model in MODELS for metric in METRICS]
        return (*numbers, *(made("trial.steps", 9.0, model=m, seed=seed, better="neither") for m in MODELS))

    return {seed: records(seed) for seed in range(start, start + count)}


@pytest.mark.parametrize("n", [4, 5, 7])
def test_no_seed_is_in_two_comparisons(n):
    from calibration.alarms import divided

    pairs = divided(range(100), n)
    used = [seed for pair in pairs for side in pair for seed in side]
    assert len(pairs) == 100 // (2 * n)
    assert len(used) == len(set(used)) == 2 * n * len(pairs)


def test_relabelled_seeds_are_paired_and_others_are_not():
    from calibration.alarms import TEST_ALONE, side, side_as

    from genbench.analyse.compare import compare_runs

    pool = a_pool(12)
    base, new = list(range(6)), list(range(6, 12))
    paired = compare_runs(side(pool, base), side_as(pool, new, base), rules=TEST_ALONE.rules())
    apart = compare_runs(side(pool, base), side(pool, new), rules=TEST_ALONE.rules())
    assert {row.test for row in paired.rows} == {"paired"}
    assert {row.test for row in apart.rows} == {"unpaired"}
    assert all(row.gated for row in (*paired.rows, *apart.rows))
    relabelled = {r.value for r in side_as(pool, new, base)}
    assert relabelled == {r.value for r in side(pool, new)}


@pytest.mark.parametrize("paired", [True, False])
def test_a_planted_shift_is_caught_and_its_row_is_named(paired):
    from calibration import alarms

    healthy, defective = a_pool(48), a_pool(24, moved=20, draw=1)
    cases = alarms.with_defect(healthy, defective, 12, alarms.AS_SHIPPED, paired=paired)
    assert alarms.alarms(cases) == alarms.Share(2, 2)
    told = alarms.rows(cases, alarms.ALARMING, alone=False)
    assert [name for name, share in told.items() if share.cases] == ["ns_gan quality.fid"]
    few = alarms.with_defect(healthy, defective, 4, alarms.AS_SHIPPED, paired=paired)
    assert alarms.alarms(few) == alarms.Share(0, 6), "no p of four seeds is small enough for eight rows"
    alone = alarms.rows(few, alarms.ALARMING, alone=True)["ns_gan quality.fid"]
    assert alone == alarms.Share(0 if paired else 6, 6), "it is for one, but not of four pairs"


@pytest.mark.run
def test_the_same_code_seldom_alarms_and_a_small_shift_hides_in_the_margin():
    from calibration import alarms

    pool = a_pool(960)
    cases = alarms.without_defect(pool, 6, alarms.TEST_ALONE, paired=False)
    assert alarms.decided(cases).of == 80
    assert alarms.decided(cases).interval[0] <= 0.05
    assert alarms.alarms(cases).cases <= alarms.decided(cases).cases
    moved = alarms.with_defect(a_pool(60), a_pool(30, moved=4, draw=1), 10, alarms.AS_SHIPPED, paired=False)
    assert alarms.alarms(moved).cases == 0
    bare = alarms.with_defect(a_pool(60), a_pool(30, moved=4, draw=1), 10, alarms.TEST_ALONE, paired=False)
    assert alarms.alarms(bare).value == 1


def test_a_gate_without_numbers_is_undecided():
    from calibration import alarms

    def without_numbers(pool):
        return {seed: tuple(r for r in rs if r.metric != "quality.fid") for seed, rs in pool.items()}

    cases = alarms.without_defect(without_numbers(a_pool(8)), 4, alarms.AS_SHIPPED, paired=False)
    assert alarms.undecided(cases) == alarms.Share(1, 1)
    assert alarms.rows(cases, alarms.ALARMING, alone=False)["vae quality.fid"] == alarms.Share(0, 1)


def runs_of(speeds, *, slower=False, busy=False):
    from calibration.runs import MODELS
    from calibration.timings import Measurement

    metric = "throughput.lane_images_per_s"
    return [
        Measurement(
            0, busy, slower, None,
            tuple(
                made(metric, speed, model=m, seed=None, better="higher", run=f"{slower} {place}", error=1.0)
                for m in MODELS
            ),
        )
        for place, speed in enumerate(speeds)
    ]  # fmt: skip


def test_sides_of_timed_runs_lie_by_turns_or_one_after_the_other():
    from calibration.timing_alarms import same_code, slower_steps

    runs = list(range(6))
    assert next(same_code(runs, 2, "by turns")) == ([0, 2], [1, 3])
    assert list(same_code(runs, 2, "one after the other"))[-1] == ([2, 3], [4, 5])
    assert list(slower_steps(runs, "abcdef", 2, "by turns"))[1] == ([1, 2], "bc")
    assert list(slower_steps(runs, "abcdef", 2, "one after the other"))[-1] == ([2, 3], "ef")
    assert not list(same_code(runs, 4, "by turns"))


def test_slower_steps_are_caught_beyond_the_margin_but_not_by_four_runs_a_side_of_two_models():
    from calibration.timing_alarms import alarmed, differences, same_code, slower_steps

    metric = "throughput.lane_images_per_s"
    random = np.random.default_rng(0)
    shipped, slow = (runs_of(speed * (1 + 0.01 * random.standard_normal(12))) for speed in (1000, 830))
    for n, caught in ((1, 1.0), (3, 1.0), (4, 0.0), (5, 1.0)):
        assert alarmed(slower_steps(shipped, slow, n, "by turns"), metric, 0.1).value == caught, n
        assert alarmed(same_code(shipped, n, "by turns"), metric, 0.1).cases == 0
    assert alarmed(slower_steps(shipped, slow, 1, "by turns"), metric, 0.3).cases == 0
    assert max(differences(shipped, metric)["any two"]) < 0.06


def test_the_fast_permutation_test_is_the_one_of_genbench():
    from calibration.simulated import permutation_ps

    from genbench.analyse.significance import permutation_test

    random = np.random.default_rng(0)
    for n, places in ((4, 12), (5, 12), (16, 2)):
        base, new = random.standard_normal((2, 6, n))
        wanted = [permutation_test(list(x), list(y)) for x, y in zip(base, new + 1, strict=True)]
        assert permutation_ps(base, new + 1) == pytest.approx(wanted, abs=10.0**-places)


def test_the_interquartile_mean_of_a_lognormal_is_known():
    from calibration.simulated import _TRUE
    from scipy.stats import lognorm

    levels = np.linspace(0.25, 0.75, 200_001)
    assert _TRUE["lognormal"]["iqm"] == pytest.approx(lognorm.ppf(levels, 1).mean(), rel=1e-6)


def test_simulated_tables_have_every_row():
    from calibration import simulated, text

    tests, intervals = list(simulated.tests(20)), list(simulated.intervals((4, 6), 5))
    assert len(tests) == 3 * 3 * 3
    assert len(intervals) == 2 * 2 * 4
    lines = [*text.tests(tests), *text.intervals(intervals)]
    assert max(map(len, lines)) <= text.WIDTH
    assert sum(line.startswith("lognormal") for line in lines) == 3 + 2


def test_a_lost_mode_is_lost_in_training_only(monkeypatch):
    import torch
    from calibration.defects import LOST_MODE, planted

    from genbench.data.mixtures import Ring
    from genbench.runner import attempt

    ring = Ring().load()
    seen = []
    monkeypatch.setattr(attempt, "train_cohort", lambda *_, examples, **__: seen.append(examples))
    with planted(LOST_MODE):
        attempt.train_cohort(None, examples=torch.from_numpy(ring.train_examples))
    (left,) = seen
    lost = torch.tensor(ring.modes.centers[LOST_MODE.lost_mode])
    assert len(left) == (ring.train_labels != LOST_MODE.lost_mode).sum()
    assert torch.cdist(left.double(), lost[None]).min() > 0.5
    attempt.train_cohort(None, examples=left)
    assert seen[1] is left, "the defect is gone with its block"


@pytest.mark.run
def test_the_command_runs_and_keeps_what_it_finds(tmp_path, capsys):
    from calibrate_gate import main

    main(["--quick", "--workers", "1", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    kept = json.loads((tmp_path / "calibration.json").read_text())
    assert set(kept["about"]) == {"time", "seeds", "draws"}
    assert (tmp_path / "calibration.txt").read_text() in printed
    assert max(map(len, printed.splitlines())) <= 80
    unpaired = [row for row in kept["same_code"] if not row["paired"]]
    assert [(row["n"], row["can_fire"], row["alarms_as_shipped"][1]) for row in unpaired] == [
        (4, False, 12),
        (8, True, 6),
    ]
    assert {row["defect"] for row in kept["defects"]} == {
        "learning rates x 10",
        "half the steps",
        "one of eight modes lost",
    }
    assert len(kept["timings"]) == 2 * 2 * 2

    main(["--quick", "--part", "draws", "--out", str(tmp_path)])
    again = json.loads((tmp_path / "calibration.json").read_text())
    assert again["same_code"] == kept["same_code"]


@pytest.mark.run
def test_slower_steps_change_no_number():
    from calibration.defects import NONE, SLOWER
    from calibration.pool import METRICS, QUICK
    from calibration.runs import records_of

    def numbers(defect):
        return [(r.model, r.metric, r.seed, r.value) for r in records_of((1, 2), QUICK, defect, METRICS)]

    assert numbers(SLOWER) == numbers(NONE)


@pytest.mark.parametrize("alarms", [0, 1, 6])
def test_alarms_among_few_comparisons_fit_eighty_columns(alarms):
    from calibration.text import same_code

    share = (alarms, 6)
    row = {
        "rows": 8,
        "n": 8,
        "paired": False,
        "can_fire": True,
        "each_row_alone_any_difference": {"ns_gan known_modes.high_quality": share},
        **dict.fromkeys(
            [
                *("alarms_as_shipped", "alarms_without_margin", "any_difference_without_margin"),
                *("confirmed_without_margin", "resampled_without_margin"),
            ],
            share,
        ),
    }
    assert max(map(len, same_code([row, {**row, "paired": True}]))) <= 80
