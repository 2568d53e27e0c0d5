import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from two_sides import around, record, run

from genbench.analyse.compare import Comparison, compare_runs
from genbench.analyse.gate import Gates, judge
from genbench.core.record import Record, Status
from genbench.report.gate_lines import gate_lines, style_of
from genbench.report.render import render_comparison
from genbench.suite.schema import Gate

FID = {"quality.fid": around(7.0)}


def gates(*rules: dict[str, object], alpha: float = 0.05) -> Gates:
    return Gates(tuple(Gate.model_validate(rule) for rule in rules), alpha)


def lines(base: Sequence[Record], new: Sequence[Record], asked: Gates) -> list[str]:
    comparison = compare_runs(base, new, rules=asked.rules(), alpha=asked.alpha)
    return list(gate_lines(judge(comparison, asked), asked, comparison))


def test_a_passed_gate_is_one_line() -> None:
    said = lines(run(FID), run(FID, run="new"), gates({"metric": "quality.fid"}))
    assert said == ["gate passed: 1 rule"]
    two = gates({"metric": "quality.fid"}, {"metric": "quality.fid", "at_most": 8.0})
    assert lines(run(FID), run(FID, run="new"), two) == ["gate passed: 2 rules"]


def test_a_number_that_became_worse() -> None:
    worse = run({"quality.fid": around(10.0)}, run="new")
    first, last = lines(run(FID), worse, gates({"metric": "quality.fid", "allow": 0.4}))
    assert first == (
        "WORSE  vae on digits: FD (quality.fid) 6.86 -> 9.80 (+2.97 [2.88, 3.09]; 0.400 allowed), p 0.008"
    )
    assert last == "gate FAILED: 1 of 1 rule"


def test_a_unit_and_a_prefix_are_those_of_the_row() -> None:
    speeds = [{"throughput.compile_s": (value, 300.0)} for value in (50_000.0, 90_000.0)]
    base, new = (run(FID, run=name, cohort=c) for name, c in zip(("base", "new"), speeds, strict=True))
    (first, _) = lines(base, new, gates({"metric": "throughput.compile_s"}))
    assert "50.00k -> 90.00k (+40.0k [39.4k, 40.6k]; 7.00k allowed)" in first and ", p" not in first


def test_a_number_that_can_no_longer_be_taken() -> None:
    broken = record("quality.fid", None, run="new", seed=None, reason="it broke", status=Status.FAILED)
    new = [*run({"quality.kid": around(1.0)}, run="new"), broken]
    first, last = lines(run(FID), new, gates({"metric": "quality.fid"}))
    assert first == "FAILED  vae on digits: FD (quality.fid) 6.86 -> – (new: it broke)"
    assert last == "gate FAILED: 1 of 1 rule"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"at_most": 5.0}, "ABOVE  {} 9 classes (allowed: at most 5 classes)"),
        ({"at_least": 10.0}, "BELOW  {} 9 classes (allowed: at least 10 classes)"),
    ],
)
def test_a_median_beyond_a_bound(rule: dict[str, object], said: str) -> None:
    covered = {"modes.covered": [9.0] * 6}
    first, last = lines(run(covered), run(covered, run="new"), gates({"metric": "modes.covered", **rule}))
    assert first == said.format("vae on digits: modes covered (modes.covered)")
    assert last == "gate FAILED: 1 of 1 rule"


def test_a_median_among_lost_seeds_is_beyond_every_bound() -> None:
    new = run(FID, run="new", lost=range(6))
    said = lines(run(FID), new, gates({"metric": "quality.fid", "at_most": 100.0}))
    assert said[0] == (
        "ABOVE  vae on digits: FD (quality.fid) – (allowed: at most 100; half of its seeds or more were lost)"
    )


def test_too_many_failures() -> None:
    new = run(FID, run="new", lost=(0, 1, 2))
    first, last = lines(run(FID), new, gates({"failures": 0.2}))
    assert first == (
        "FAILURES  vae on digits: 3 of 8 seeds diverged, failed or ran out of time (allowed: at most 20 %)"
    )
    assert last == "gate FAILED: 1 of 1 rule"


def test_a_gated_share_of_failures_is_told_in_seeds() -> None:
    new = run({"quality.fid": around(7.0, 16)}, run="new", lost=range(12))
    said = lines(run({"quality.fid": around(7.0, 16)}), new, gates({"metric": "trial.failed"}))
    assert said[0].startswith("WORSE  vae on digits: failed seeds (trial.failed) 0 of 16 -> 12 of 16 (+0.75")


def test_what_cannot_be_decided_and_why() -> None:
    other = [record_with(each, n_fake=5) for each in run(FID, run="new")]
    said = lines(run(FID), other, gates({"metric": "quality.fid"}, {"metric": "modes.kl", "model": "vae"}))
    assert said == [
        "UNDECIDED  vae on digits: FD (quality.fid): INCOMPARABLE: n fake not stated and 5",
        "UNDECIDED  vae on any dataset: KL (modes.kl): the new side has no such number",
        "gate NOT PASSED: 2 rules could not be decided",
    ]
    gone, later, _ = lines(run(FID), run(FID, run="new", model="gan"), gates({"metric": "quality.fid"}))
    assert gone == "UNDECIDED  vae on digits: the whole model: GONE: the new side does not have it"
    assert later == (
        "UNDECIDED  gan on digits: the whole model: NEW: the base does not have it; make the baseline anew"
    )


def test_a_failed_gate_that_is_also_undecided_says_both() -> None:
    worse = run({"quality.fid": around(10.0)}, run="new")
    said = lines(run(FID), worse, gates({"metric": "quality.fid"}, {"metric": "modes.kl"}))
    assert said[-1] == "gate FAILED: 1 of 1 rule; 1 rule could not be decided"


def test_unsure_rows_pass_and_say_what_would_settle_them() -> None:
    noisy = {"quality.fid": [7.0, 9.0, 6.0, 8.0, 7.5, 6.5, 8.5, 7.1]}
    shuffled = {"quality.fid": noisy["quality.fid"][::-1]}
    said = lines(run(noisy), run(shuffled, run="new"), gates({"metric": "quality.fid"}))
    assert said[0].startswith(
        "UNSURE  1 of 1 gated rows, which does not fail the gate: FD of vae on digits (≈ "
    )
    assert said[-1] == "gate passed: 1 rule"


def test_many_unsure_rows_are_counted_not_listed() -> None:
    names = [f"m{n}" for n in range(9)]
    noisy = {"quality.fid": [7.0, 9.0, 6.0, 8.0, 7.5, 6.5, 8.5, 7.1]}
    shuffled = {"quality.fid": noisy["quality.fid"][::-1]}
    base = [r for name in names for r in run(noisy, model=name)]
    new = [r for name in names for r in run(shuffled, model=name, run="new")]
    (unsure,) = [line for line in lines(base, new, gates({"metric": "quality.fid"})) if "UNSURE" in line]
    assert "9 of 9 gated rows" in unsure and "and 3 more" in unsure and "m6" not in unsure


def test_gates_that_these_seeds_could_never_break_are_warned_of() -> None:
    few, fewer = {"quality.fid": around(7.0, 5)}, {"quality.fid": around(70.0, 5)}
    said = lines(run(few), run(fewer, run="new"), gates({"metric": "quality.fid"}))
    (warning,) = [line for line in said if line.startswith("WARNING")]
    assert warning == (
        "WARNING  1 of 1 gated rows can never be WORSE with 5 paired seeds a side: no p is below 0.062, and "
        "alpha 0.05 over 1 row needs 0.05. Train 6 seeds a side, gate fewer numbers, or raise alpha"
    )
    assert said[-1] == "gate passed: 1 rule"


def test_where_nothing_differs_yet_all_gated_rows_count_for_the_warning() -> None:
    numbers = {f"quality.{name}": around(7.0, 6) for name in ("fid", "kid")}
    asked = gates({"metric": "quality.fid"}, {"metric": "quality.kid"})
    (warning, _) = lines(run(numbers), run(numbers, run="new"), asked)
    assert "2 of 2 gated rows" in warning and "over 2 rows needs 0.025. Train 7 seeds" in warning
    enough = {name: around(7.0, 8) for name in numbers}
    assert lines(run(enough), run(enough, run="new"), asked) == ["gate passed: 2 rules"]


def test_independent_seeds_need_other_numbers() -> None:
    said = lines(
        run({"quality.fid": around(7.0, 3)}),
        run(FID, run="new"),
        gates({"metric": "quality.fid"}, alpha=0.01),
    )
    assert any("with 3 and 8 seeds: no p is below 0.012" in line and "Train 5 seeds" in line for line in said)


def test_lines_are_harmless() -> None:
    name = "a\x1b[31m\u202eb"
    broken = [
        record(
            "quality.fid", None, run="new", seed=None, reason="\x1b]0;x\x07", status=Status.FAILED, model=name
        )
    ]
    base, new = run(FID, model=name), [*run({"quality.kid": around(1.0)}, run="new", model=name), *broken]
    said = "\n".join(
        lines(base, new, gates({"metric": "quality.fid"}, {"metric": "modes.kl"}, {"failures": 0.0}))
    )
    assert not set(said) & set("\x1b\u202e\x07") and "ab on digits" in said


@pytest.mark.parametrize(
    ("line", "style"),
    [("gate passed: 1 rule", "bold green"), ("gate FAILED: 1 of 2 rules", "bold red"),
     ("gate NOT PASSED: x", "bold red"), ("UNDECIDED  x", "yellow"), ("WARNING  x", "yellow"),
     ("WORSE  x", "red")],
)  # fmt: skip
def test_colours(line: str, style: str) -> None:
    assert style_of(line) == style


def judged(new: Sequence[Record], asked: Gates) -> dict[str, object]:
    comparison: Comparison = compare_runs(run(FID), new, rules=asked.rules(), alpha=asked.alpha)
    judgement = judge(comparison, asked)
    said = list(gate_lines(judgement, asked, comparison))
    text = render_comparison(comparison, "json", judgement=judgement, gate_lines=said)
    found: dict[str, object] = json.loads(text, parse_constant=pytest.fail)["gate"]
    assert found["lines"] == said
    return found


def test_json_has_the_judgement() -> None:
    gate = judged(
        run(FID, run="new", lost=range(6)),
        gates({"metric": "quality.fid", "at_most": 9.0}, {"metric": "modes.kl"}),
    )
    assert gate["passed"] is False and gate["rules"] == 1
    about = {"dataset": "digits", "model": "vae", "metric": "quality.fid"}
    beyond = {"value": None, "bound": 9.0, "infinite": {"value": "+"}}
    assert gate["violations"] == [{"kind": "above", **about, **beyond}]
    anywhere = {"dataset": "any dataset", "model": "any model", "metric": "modes.kl"}
    assert gate["undecided"] == [{**anywhere, "why": "the new side has no such number"}]


def record_with(one: Record, **protocol: object) -> Record:
    return replace(one, protocol=protocol)  # type: ignore[arg-type]
