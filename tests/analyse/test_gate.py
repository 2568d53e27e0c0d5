import json
from pathlib import Path
from typing import Any

import pytest
from made_records import outcome, trained

from genbench.analyse.compare import Comparison, compare_runs
from genbench.analyse.gate import Gates, Judgement, judge, load_gates, never_fires, refuse_begun
from genbench.analyse.row import FAILED_SHARE, Verdict
from genbench.core.errors import RecordError
from genbench.core.record import Record, Status
from genbench.store.rundir import RunDirectory
from genbench.suite.margin import Margin
from genbench.suite.schema import Gate

FID, RECALL = "quality.fid", "quality.recall"
LOW = [10.0, 10.5, 9.5, 10.25, 9.75, 10.125, 9.875, 10.0625]
HIGH = [x + 5 for x in LOW]
GOOD = [0.8, 0.81, 0.79, 0.82, 0.78, 0.805, 0.795, 0.8025]
NEW: dict[str, Any] = {"run": "new"}


def held(
    base: list[Record], new: list[Record], *gates: Gate, alpha: float = 0.05
) -> tuple[Judgement, Comparison]:
    known = Gates(gates, alpha)
    comparison = compare_runs(base, new, rules=known.rules(), alpha=alpha)
    return judge(comparison, known), comparison


def kinds(judgement: Judgement) -> list[tuple[str, str]]:
    return [(one.kind, one.metric) for one in judgement.violations]


def test_what_became_worse_breaks_its_gate_and_what_became_better_passes() -> None:
    worse, _ = held(trained({FID: LOW}), trained({FID: HIGH}, **NEW), Gate(metric=FID))
    assert kinds(worse) == [("worse", FID)] and not worse.passed
    better, _ = held(trained({FID: HIGH}), trained({FID: LOW}, **NEW), Gate(metric=FID))
    assert better.passed and better.looked == 1


def test_what_is_not_gated_may_become_worse() -> None:
    base, new = trained({FID: LOW, RECALL: GOOD}), trained({FID: HIGH, RECALL: GOOD}, **NEW)
    judgement, comparison = held(base, new, Gate(metric=RECALL))
    assert judgement.passed
    assert [row.verdict for row in comparison.rows if row.metric == FID] == [Verdict.WORSE]
    assert [row.gated for row in comparison.rows] == [row.metric == RECALL for row in comparison.rows]


def test_the_allowance_of_a_gate_is_the_margin_of_its_row() -> None:
    base, new = trained({FID: LOW}), trained({FID: HIGH}, **NEW)
    assert held(base, new, Gate(metric=FID, allow=6.0))[0].passed
    assert not held(base, new, Gate(metric=FID, allow=4.0))[0].passed
    assert held(base, new, Gate(metric=FID, allow="50%"))[0].passed
    assert Gate(metric=FID).margin is None and Gate(metric=FID).compares
    assert held(base, new, Gate(metric=FID))[1].rows[0].margin == pytest.approx(0.05 * 12.53125)
    assert not Gate(metric=FID, at_most=3.0).compares and Gate(metric=FID, at_most=3.0, allow=1.0).compares
    assert Gate(metric=FID, failures=0.0).compares and not Gate(failures=0.0).compares


def test_the_last_gate_about_a_number_wins_each_rule_by_itself() -> None:
    gates = Gates((
        Gate(metric=FID, allow="5%", at_most=20.0),
        Gate(metric=FID, model="gan", allow=3.0),
        Gate(metric=FID, dataset="elsewhere", allow=9.0),
        Gate(failures=0.1),
        Gate(failures=0.5, model="gan"),
    ))  # fmt: skip
    assert gates.rules()("digits", "gan", FID).margin == Margin(3.0)
    assert gates.rules()("digits", "vae", FID).margin == Margin(0.05, relative=True)
    assert gates.rules()("elsewhere", "gan", FID).margin == Margin(9.0)
    assert gates.bounds("digits", "gan", FID) == (None, 20.0)
    assert (gates.failures("digits", "gan"), gates.failures("digits", "vae")) == (0.5, 0.1)
    assert not gates.rules()("digits", "gan", RECALL).gated
    assert gates.rules(Margin(1.0))("digits", "gan", RECALL).margin == Margin(1.0)


@pytest.mark.parametrize(
    ("gate", "broken"),
    [
        (Gate(metric=FID, at_most=10.0), "above"),
        (Gate(metric=FID, at_most=10.1), None),
        (Gate(metric=FID, at_least=10.1), "below"),
        (Gate(metric=FID, at_least=10.0), None),
    ],
)
def test_bounds_are_of_the_median_whatever_the_base(gate: Gate, broken: str | None) -> None:
    judgement, _ = held(trained({FID: HIGH}), trained({FID: LOW}, **NEW), gate)
    assert [kind for kind, _ in kinds(judgement)] == ([broken] if broken else [])
    assert judgement.looked == 1


def test_bounds_hold_for_a_model_that_the_base_does_not_have() -> None:
    base, new = trained({FID: LOW}), trained({FID: LOW}, model="vae", **NEW) + trained({FID: LOW}, **NEW)
    judgement, _ = held(base, new, Gate(metric=FID, model="vae", at_most=5.0))
    assert [(one.model, one.kind) for one in judgement.violations] == [("vae", "above")]


def test_a_model_that_only_one_side_has_is_not_passed() -> None:
    both = trained({FID: LOW}) + trained({FID: LOW}, model="vae")
    alone = trained({FID: LOW}, **NEW)
    later = [*alone, *trained({FID: LOW}, model="vae", **NEW)]
    for base, new, said in ((trained({FID: LOW}), later, "NEW"), (both, alone, "GONE")):
        for gate in (Gate(metric=FID), Gate(metric=FID, model="vae")):
            judgement, _ = held(base, new, gate)
            assert not judgement.violations and not judgement.passed
            assert [(one.model, one.why.split(":")[0]) for one in judgement.undecided] == [("vae", said)]


@pytest.mark.parametrize("gate", [Gate(metric=FID, at_most=99.0), Gate(failures=1.0)])
def test_bounds_of_a_model_that_is_gone_are_not_passed(gate: Gate) -> None:
    both = trained({FID: LOW}) + trained({FID: LOW}, model="vae")
    judgement, _ = held(both, trained({FID: LOW}, **NEW), gate)
    assert [one.model for one in judgement.undecided] == ["vae"] and not judgement.passed
    missing = trained({FID: LOW, RECALL: GOOD}), trained({FID: LOW, RECALL: [None] * 8}, **NEW)
    lacks, _ = held(*missing, Gate(metric=RECALL, at_least=0.1), Gate(metric=FID))
    assert [one.metric for one in lacks.undecided][:1] == [RECALL] and lacks.looked == 1


def test_nothing_to_look_at_is_not_passed() -> None:
    assert not judge(compare_runs([], []), Gates((Gate(failures=0.0),))).passed
    assert not judge(compare_runs([], []), Gates()).passed


def test_seeds_without_a_number_that_others_have_cannot_hide() -> None:
    new = trained({FID: [None] * 7 + [10.0]}, **NEW)
    judgement, _ = held(trained({FID: LOW}), new, Gate(metric=FID), Gate(metric=FID, at_most=99.0))
    assert kinds(judgement) == [("worse", FID), ("above", FID)]


def test_a_healthy_run_passes_a_gate_on_failures_against_the_base() -> None:
    judgement, _ = held(trained({FID: LOW}), trained({FID: LOW}, **NEW), Gate(metric=FAILED_SHARE))
    assert judgement.passed and judgement.looked == 1


def test_the_usual_margin_of_a_gate_is_that_of_its_kind_of_number() -> None:
    name = "throughput.utilization"
    numbers = [trained({FID: LOW}, cohort={name: [(u, 0.0)]}, **c) for u, c in ((0.5, {}), (0.47, NEW))]
    assert held(*numbers, Gate(metric=name))[0].passed  # 6 % of 10 %
    assert not held(*numbers, Gate(metric=name, allow="5%"))[0].passed


def test_numbers_that_do_not_compare_are_undecided_and_not_passed() -> None:
    base, new = trained({FID: LOW}), trained({FID: LOW}, protocol={"n_fake": 7}, **NEW)
    judgement, _ = held(base, new, Gate(metric=FID))
    assert not judgement.passed and not judgement.violations
    assert "n fake" in judgement.undecided[0].why


def test_a_gate_that_no_number_answers_to_is_undecided() -> None:
    judgement, _ = held(trained({FID: LOW}), trained({FID: LOW}, **NEW), Gate(metric="quality.fod"))
    assert [one.metric for one in judgement.undecided] == ["quality.fod"] and judgement.looked == 0
    nobody, _ = held(trained({FID: LOW}), trained({FID: LOW}, **NEW), Gate(failures=0.0, model="wgan"))
    assert [one.model for one in nobody.undecided] == ["wgan"]


def test_seeds_that_failed_are_bounded_as_a_share() -> None:
    ends = {0: Status.DIVERGED, 1: Status.FAILED}
    values: list[float | None] = [None, None, *LOW[2:]]
    new = trained({FID: values}, endings=ends, **NEW)
    assert [kind for kind, _ in kinds(held(trained({FID: LOW}), new, Gate(failures=0.2))[0])] == ["failures"]
    judgement, _ = held(trained({FID: LOW}), new, Gate(failures=0.25))
    assert judgement.passed and judgement.looked == 1


def test_more_failures_can_be_gated_against_the_base_too() -> None:
    many = trained({FID: [None] * 8}, endings=dict.fromkeys(range(8), Status.DIVERGED), **NEW)
    judgement, _ = held(trained({FID: LOW}), many, Gate(metric=FAILED_SHARE, allow=0.05), Gate(metric=FID))
    assert kinds(judgement) == [("worse", FAILED_SHARE), ("failed", FID)]


def test_the_median_of_a_model_that_lost_most_seeds_is_beyond_every_bound() -> None:
    ends = dict.fromkeys(range(5), Status.DIVERGED)
    new = trained({FID: [None] * 5 + LOW[5:]}, endings=ends, **NEW)
    judgement, _ = held(trained({FID: LOW}), new, Gate(metric=FID, at_most=1e9))
    assert kinds(judgement) == [("above", FID)] and judgement.violations[0].value == float("inf")


def test_what_is_unsure_passes_and_is_told() -> None:
    few = trained({FID: LOW[:4]}), trained({FID: HIGH[:4]}, **NEW)
    judgement, _ = held(*few, Gate(metric=FID))
    assert judgement.passed and [row.metric for row in judgement.unsure] == [FID]


def test_gated_rows_are_corrected_for_each_other_alone() -> None:
    base = trained({FID: LOW, RECALL: GOOD, "quality.kid": LOW})
    new = trained({FID: HIGH, RECALL: [x / 2 for x in GOOD], "quality.kid": HIGH}, **NEW)
    _, comparison = held(base, new, Gate(metric=FID), Gate(metric=RECALL))
    adjusted = {row.metric: row.adjusted for row in comparison.rows}
    assert adjusted == {FID: 4 / 2**8, RECALL: 4 / 2**8, "quality.kid": 2 / 2**8}


@pytest.mark.parametrize(
    ("rows", "seeds", "paired", "needed"),
    [(1, 5, True, 6), (1, 6, True, None), (10, 8, True, 9), (10, 9, True, None), (0, 1, True, None),
     (1, 3, False, 4), (10, 5, False, 6), (10, 6, False, None)],
)  # fmt: skip
def test_gates_that_can_never_fire(rows: int, seeds: int, paired: bool, needed: int | None) -> None:
    assert never_fires(Gates(), rows, seeds, paired=paired) == needed


@pytest.mark.parametrize("seeds", [5, 6])
def test_gates_that_can_never_fire_do_not_and_others_do(seeds: int) -> None:
    far = trained({FID: [1e6 + n for n in range(seeds)]}, **NEW)
    judgement, _ = held(trained({FID: LOW[:seeds]}), far, Gate(metric=FID))
    assert (never_fires(Gates(), 1, seeds) is None) is bool(judgement.violations)


def test_the_gates_of_a_run_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "resolved.json"
    gates = (Gate(metric=FID, allow="7%"), Gate(failures=0.0))
    file.write_text(json.dumps({"gate": [gate.model_dump(mode="json") for gate in gates], "alpha": 0.01}))
    assert load_gates(file) == Gates(gates, 0.01)
    file.write_text("{}")  # of before there were gates
    assert load_gates(file) == Gates()


@pytest.mark.parametrize(
    "text", ["", "[]", "3", '{"gate": 3}', '{"gate": [{"metrc": 1}]}', '{"alpha": "x"}', None]
)
def test_damaged_gates_are_an_error_with_a_remedy(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "resolved.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(RecordError, match=r"--gates SUITE\.toml"):
        load_gates(file)


def begun(folder: Path, ended: int, *, planned: int = 3, cohorts: str = "") -> RunDirectory:
    """A run of so many seeds that were planned, of which the first have come to an end."""
    run = RunDirectory(folder)
    run.records.write_text("".join(f"{each.to_json()}\n" for each in trained({FID: LOW[:ended]})))
    trials = {f"digits gan {seed}": seed for seed in range(planned)}
    content = {"cohort": [{"label": "gan", "dataset": "digits", "trials": trials}]}
    run.resolved.write_text(cohorts or json.dumps(content))
    return run


def test_a_run_with_trials_that_have_no_end_is_refused(tmp_path: Path) -> None:
    refuse_begun(begun(tmp_path, 3), "one")
    with pytest.raises(RecordError, match=r"one has not come to its end: gan on digits, seed 2\. Go on"):
        refuse_begun(begun(tmp_path, 2), "one")
    with pytest.raises(RecordError, match=r"seed 1 and 1 more\. Go on with .*--resume"):
        refuse_begun(begun(tmp_path, 1), "one")
    for damaged in ("[", "[]", '{"cohort": 3}', '{"cohort": [{}]}'):
        with pytest.raises(RecordError, match="cannot tell"):
            refuse_begun(begun(tmp_path, 3, cohorts=damaged), "one")


@pytest.mark.parametrize("alpha", ["5", "0", "NaN", "-1"])
def test_an_alpha_that_is_none_is_an_error(tmp_path: Path, alpha: str) -> None:
    file = tmp_path / "resolved.json"
    file.write_text(f'{{"alpha": {alpha}}}')
    with pytest.raises(RecordError, match="cannot read the gates"):
        load_gates(file)


def test_unfinished_seeds_are_no_failures() -> None:
    new = [*trained({FID: LOW[:4]}, **NEW), outcome(Status.INTERRUPTED, seed=4, **NEW)]
    judgement, _ = held(trained({FID: LOW}), new, Gate(failures=0.0))
    assert judgement.passed
    ends = {4: Status.DIVERGED, 5: Status.INTERRUPTED, 6: Status.INTERRUPTED}
    new = trained({FID: LOW[:7]}, endings=ends, **NEW)  # one of five that have ended
    assert held(trained({FID: LOW}), new, Gate(failures=0.2))[0].passed
    judgement, _ = held(trained({FID: LOW}), new, Gate(failures=0.19))
    assert [(one.kind, one.value) for one in judgement.violations] == [("failures", 0.2)]
