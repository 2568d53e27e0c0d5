import csv
import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.cells import cell_len
from two_sides import around, every_verdict, record, run, two_models, with_lost_seeds

from genbench.analyse.compare import Comparison, Rule, compare_models, compare_runs
from genbench.analyse.row import Verdict
from genbench.core.errors import GenbenchError
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.comparison import Compared, ComparedRow, build_comparison
from genbench.report.comparison_csv import COLUMNS
from genbench.report.render import Format, render_comparison
from genbench.suite.margin import Margin

FORMATS: tuple[Format, ...] = ("rich", "md", "csv", "json", "latex")
HOSTILE = "[red]a|b\x1b[31m_c\u202e$d\n&%{}\\`<img src=x>\r#~^"


@pytest.fixture(scope="module")
def every() -> Comparison:
    return every_verdict()


def rows_of(compared: Compared) -> dict[str, ComparedRow]:
    """By label, of the first model."""
    return {row.label: row for group in compared.tables[0].models[0].groups for row in group.rows}


def needed(comparison: Comparison, metric: str) -> str:
    """What is said of the seeds that an ``UNSURE`` row needs."""
    (row,) = [row for row in comparison.rows if row.metric == metric]
    assert row.verdict is Verdict.UNSURE and row.seeds
    return f"≈ {row.seeds} seeds"


def notes(comparison: Comparison) -> str:
    return "\n".join(build_comparison(comparison).notes)


def of(metric: str, base: Sequence[float], new: Sequence[float], **change: object) -> Comparison:
    return compare_runs(run({metric: base}), run({metric: new}, run="new"), **change)  # type: ignore[arg-type]


def test_one_table_a_dataset_with_models_and_groups_in_their_usual_order(every: Comparison) -> None:
    (table,) = build_comparison(every).tables
    assert [model.heading for model in table.models] == ["vae", "gan", "wgan"]
    vae = table.models[0]
    assert [group.title for group in vae.groups] == ["sample quality", "mode coverage", "throughput and cost"]
    assert [row.label for row in vae.groups[0].rows] == [
        "FD", "KD", "precision", "recall", "density", "coverage", "ELBO"
    ]  # fmt: skip
    assert (vae.base, vae.new, vae.base_seeds, vae.new_seeds) == ("base", "new", "8", "8")
    other = replace(every.rows[0], dataset="mnist")
    two = build_comparison(replace(every, rows=(*every.rows, other)))
    assert [one.dataset for one in two.tables] == ["digits", "mnist"]


def test_every_verdict_is_told(every: Comparison) -> None:
    compared = build_comparison(every)
    rows = rows_of(compared)
    told = {label: row.verdict for label, row in rows.items()}
    assert told == {
        "FD": "WORSE", "KD": "SAME", "precision": "INCOMPARABLE", "recall": "BETTER", "density": "UNSURE",
        "coverage": "FAILED", "ELBO": "NEW", "modes covered": "SAME", "entropy": "FIXED", "KL": "SAME",
        "training": "BETTER", "compilation": "UNSURE",
    }  # fmt: skip
    footnotes = compared.tables[0].footnotes
    assert footnotes[rows["precision"].mark - 1] == "n fake not stated and 10000"
    assert footnotes[rows["coverage"].mark - 1] == "new: the extractor broke"
    gone = compared.tables[0].models[1].groups[0].rows[0]
    assert (gone.label, gone.verdict) == ("the whole model", Verdict.GONE)
    assert footnotes[gone.mark - 1] == "the new side does not have it"


def test_numbers_are_rounded_by_their_intervals_and_differences_have_signs(every: Comparison) -> None:
    rows = rows_of(build_comparison(every))
    fd = rows["FD"]
    assert (str(fd.base.number), str(fd.new.number)) == ("6.86 [6.66, 7.21]", "9.80 [9.51, 10.30]")
    assert (str(fd.difference), fd.p, fd.needed, fd.arrow) == ("+2.97 [2.88, 3.09]", "0.023", "", "↓")
    assert rows["density"].needed == needed(every, "quality.density")
    assert str(rows["coverage"].new.number) == "–" and str(rows["coverage"].difference) == ""


def test_measurements_of_whole_cohorts_have_their_own_interval_and_no_test(every: Comparison) -> None:
    rows = rows_of(build_comparison(every))
    speed, compilation = rows["training"], rows["compilation"]
    assert (str(speed.base.number), str(speed.difference)) == ("12340 ± 100", "-3340 [-3540, -3160]")
    assert speed.p == "" and str(compilation.difference) == "+0.200"  # its interval has no width to be shown
    assert "±: half-width" in notes(every)


def test_notes_on_measurements_are_of_those_that_are_there() -> None:
    assert "measured once: no interval, no test. Difference: second minus first" in notes(two_models())
    sides = []
    for name in ("base", "new"):
        parts = [run({}, cohort={"cost.seconds": (9.0 + n, None)}, run=f"{name} {n}") for n in range(4)]
        sides.append([*run({"quality.fid": around(7.0)}, run=name), *(r for part in parts for r in part)])
    text = notes(compare_runs(*sides))
    assert "measured in several runs, is treated like seeds" in text and "measured once" not in text


def test_a_count_of_seeds_stands_above_and_beside_numbers_only_where_it_differs() -> None:
    base = run({"quality.fid": around(7.0, 6), "quality.kid": around(7.0, 5)})
    compared = build_comparison(compare_runs(base, run({"quality.fid": around(7.0, 4)}, run="new")))
    model = compared.tables[0].models[0]
    assert (model.base_seeds, model.new_seeds) == ("6", "4")
    rows = rows_of(compared)
    assert (rows["FD"].base.seeds, rows["KD"].base.seeds) == ("", "5")
    text = render_comparison(compare_runs(base, base), "rich", 140)
    assert "6 seeds" in text and "(5)" in text and "(6)" not in text
    assert "1 seed\n" in render_comparison(of("quality.fid", [1.0], [2.0]), "rich", 40) + "\n"


def test_lost_seeds_are_counted_and_differences_may_be_infinite() -> None:
    lost = with_lost_seeds()
    compared = build_comparison(lost)
    rows = rows_of(compared)
    assert compared.tables[0].models[0].new_seeds == "4/8"
    assert str(rows["FD"].difference) == "+∞ [0, ∞]"
    share = rows["failed seeds"]
    assert (str(share.base.number), str(share.new.number)) == ("0 of 8", "4 of 8")
    assert share.p and "Fisher's exact test" in notes(lost)
    assert "worse than every number (∞)" in notes(lost)
    assert compared.tables[0].models[0].groups[0].title == "how training ended"
    assert "5/6" not in notes(every_verdict())


def steps_to_target(values: Sequence[float | None], name: str = "base") -> list[Record]:
    """A seed without a value was trained to its end and never got there."""
    records = run({"target.steps": values}, run=name)
    return [replace(each, status=Status.SKIPPED) if each.value is None else each for each in records]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([100.0, 200.0, 300.0, 400.0, 500.0], "300 [100, 500]"),
        ([100.0, 200.0, 300.0, None, None], "300 [100, –]"),
        ([100.0, 200.0, None, None], "–"),
    ],
)
def test_a_seed_that_never_reached_the_target_is_later_than_all_that_did(
    values: list[float | None], shown: str
) -> None:
    comparison = compare_runs(steps_to_target(values), steps_to_target([100.0] * len(values), "new"))
    assert str(rows_of(build_comparison(comparison))["steps"].base.number) == shown
    side = json.loads(render_comparison(comparison, "json"))["rows"][0]["base"]
    assert side["median"]["value"] == (None if shown == "–" else 300.0)
    assert (side["mean"]["value"] is None) is (None in values)


def test_models_of_one_run_stand_under_their_names() -> None:
    compared = build_comparison(two_models())
    model = compared.tables[0].models[0]
    assert (model.heading, model.base, model.new) == ("", "wgan", "vae")
    assert compared.tables[0].title == "digits: vae compared with wgan"
    assert compared.caption == "suite s; run base"
    assert "second minus first" in notes(two_models())


def test_the_summary_counts_what_is_decided_and_names_the_few() -> None:
    (said,) = build_comparison(two_models()).summary
    assert said == (
        "On digits, vae against wgan: better in 1 of 3 numbers of sample quality and mode coverage (FD), the "
        "same in 1 (modes covered), unsure in 1 (recall); unsure in training (what one lane cost)."
    )


def test_the_summary_of_every_verdict(every: Comparison) -> None:
    vae, gan, wgan = build_comparison(every).summary
    assert vae.startswith(
        "On digits, vae: better in 1 of 8 numbers of sample quality and mode coverage (recall), worse in 1 "
        "(FD), without a number any more in 1 (coverage), with a number again in 1 (entropy), the same in 3 "
        "(KD, modes covered and KL), unsure in 1 (density); better in 1 of 2 numbers of throughput and cost "
    )
    assert vae.endswith("1 number is new; 1 number is not comparable.") and "nothing is unsure" not in vae
    assert (gan, wgan) == (
        "On digits, gan: gone (the new side does not have it).",
        "On digits, wgan: new (the base does not have it).",
    )


def test_models_of_which_the_same_can_be_said_share_a_sentence() -> None:
    sides = [
        [r for model in ("gan", "vae") for r in run({"quality.fid": around(7.0)}, model=model, run=name)]
        for name in ("base", "new")
    ]
    assert build_comparison(compare_runs(*sides)).summary == (
        "On digits, gan and vae: the same in FD (sample quality); nothing is unsure.",
    )
    both = {"quality.fid": around(7.0), "quality.kid": around(1.0)}
    (said,) = build_comparison(compare_runs(run(both), run(both, run="new"))).summary
    assert said == "On digits, vae: the same in both numbers of sample quality; nothing is unsure."


def test_numbers_of_one_label_are_told_apart() -> None:
    numbers = {"throughput.train_images_per_s": (10.0, None), "cost.seconds": (10.0, None)}
    slower = dict.fromkeys(numbers, (20.0, None))
    fid = {"quality.fid": around(7.0)}
    gated = {"rules": lambda *_: Rule(Margin(0.1, relative=True), gated=True)}
    (said,) = build_comparison(
        compare_runs(run(fid, cohort=numbers), run(fid, cohort=slower, run="new"), **gated)
    ).summary
    assert "worse in both numbers of throughput and cost" in said
    mixed = {**numbers, "cost.seconds": (20.0, None)}
    (said,) = build_comparison(
        compare_runs(run(fid, cohort=numbers), run(fid, cohort=mixed, run="new"), **gated)
    ).summary
    assert "(training (s))" in said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule(), "up to 5 % of both sides' mean size counts as none"),
        (Rule(Margin(0.2, relative=True)), "up to 20 % of both sides' mean size counts as none"),
        (Rule(Margin(0.5)), "up to 0.5 counts as none"),
    ],
)
def test_the_margin_is_told_as_it_was_asked_for(rule: Rule, said: str) -> None:
    comparison = of("quality.fid", around(7.0), around(7.0), rules=lambda *_: rule)
    assert said in "\n".join(build_comparison(comparison, lambda *_: rule).notes)


def test_margins_of_single_rows_and_of_other_kinds_are_named() -> None:
    def rules(dataset: str, model: str, metric: str) -> Rule:
        return Rule(Margin(0.02), gated=True) if metric == "modes.kl" else Rule()

    numbers = {"quality.fid": around(7.0), "quality.kid": around(7.0), "modes.kl": around(1.0)}
    cohort = {"cost.seconds": (10.0, None)}
    later = {name: [value + 0.5 for value in values] for name, values in numbers.items()}
    sides = run(numbers, cohort=cohort), run(later, cohort=cohort, run="new", lost=(1, 2))
    comparison = compare_runs(*sides, rules=rules)
    text = "\n".join(build_comparison(comparison, rules).notes)
    assert "(0.02 nats for KL, 10 % for measurements of whole cohorts, 0.05 for failed seeds)" in text
    assert "over 1 gated row and over 2 other rows (rows that could not reach alpha do not count)" in text
    assert "Gated: KL." in text


def test_only_notes_that_apply() -> None:
    plain = of("quality.fid", around(7.0), around(10.0))
    text = notes(plain)
    assert "sign-flip" in text and "Mann-Whitney" not in text and "Fisher" not in text
    assert "±" not in text and "5/6" not in text and "Left out" not in text and "pooled" not in text
    assert "UNSURE" not in text and "Not counted" not in text and "Gated" not in text
    assert "Mann-Whitney" in notes(two_models())
    assert "Left out, because no direction of them is better: distance." in notes(every_verdict())


def test_what_so_few_seeds_could_never_show_is_told() -> None:
    text = notes(of("quality.fid", around(7.0, 5), around(70.0, 5)))
    assert (
        "TOO FEW SEEDS: 1 of 1 rows could not be BETTER or WORSE whatever their numbers: with 5 paired seeds "
        "a side no p is below 0.062, and one row needs 0.05. Train 6 seeds a side, or ask for fewer rows"
    ) in text
    assert "TOO FEW" not in notes(of("quality.fid", around(7.0, 6), around(70.0, 6)))
    few, many = run({"quality.fid": around(7.0, 4)}), run({"quality.fid": around(9.0, 20)}, run="new")
    assert "TOO FEW" not in notes(compare_runs(few, many))
    assert "with 4 and 20 seeds no p is below" in notes(compare_runs(few, many, alpha=1e-4))


def test_unfinished_seeds_and_pooled_runs_are_told() -> None:
    base = run({"quality.fid": around(7.0)})
    on_the_way = [
        r for r in run({"quality.fid": around(7.0)}, run="new") if (r.seed, r.metric) != (7, OUTCOME)
    ]
    text = notes(compare_runs(base, on_the_way))
    assert "Not counted: seed 7 of vae on digits (new) is not finished." in text
    more = [replace(r, run="more", seed=20 + (r.seed or 0), trial=f"more {r.seed}") for r in base]
    assert "base: 2 runs pooled, base, more." in notes(compare_runs([*base, *more], base))


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_lines_fit_the_terminal_and_no_number_is_lost(every: Comparison, width: int) -> None:
    text = render_comparison(every, "rich", width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    numbers = ("6.86", "[9.51, 10.30]", "+2.97", "[-3540, -3160]", "0.023", needed(every, "quality.density"))
    assert all(part in text for part in (*numbers, "INCOMPARABLE¹"))
    assert "…" not in text


def test_a_width_too_small_for_one_number_still_shows_it_whole(every: Comparison) -> None:
    assert "9.80 [9.51, 10.30]" in render_comparison(every, "rich", 20)


def test_where_there_is_room_a_row_is_a_line(every: Comparison) -> None:
    wide, narrow = (render_comparison(every, "rich", width).splitlines() for width in (140, 80))
    (line,) = [line for line in wide if line.startswith("FD")]
    assert re.split(r"\s{2,}", line) == [
        "FD ↓", "6.86 [6.66, 7.21]", "9.80 [9.51, 10.30]", "+2.97 [2.88, 3.09]", "0.023", "WORSE"
    ]  # fmt: skip
    place = next(place for place, line in enumerate(narrow) if line.startswith("FD"))
    assert narrow[place].split() == ["FD", "↓", "6.86", "[6.66,", "7.21]", "+2.97", "WORSE"]
    assert narrow[place + 1].split() == ["9.80", "[9.51,", "10.30]", "[2.88,", "3.09]", "p", "0.023"]


CELLS = """
FD ↓ | 6.86 [6.66, 7.21] | 9.80 [9.51, 10.30] | +2.97 [2.88, 3.09] | 0.023 | WORSE
KD ↓ | 0.980 [0.951, 1.030] | 0.980 [0.951, 1.030] | 0 [0, 0] | 1 | SAME
precision ↓ | 0.784 [0.761, 0.824] | 0.784 [0.761, 0.824] |  |  | INCOMPARABLE¹
recall ↑ | 0.490 [0.475, 0.515] | 0.686 [0.666, 0.721] | +0.198 [0.192, 0.206] | 0.023 | BETTER
density ↑ | 10.05 [9.80, 10.40] | 9.95 [9.50, 10.30] | -0.2 [-1.1, 0.9] | 0.64 | UNSURE ≈ 141 seeds
coverage ↑ | 0.490 [0.475, 0.515] | – |  |  | FAILED²
ELBO ↓ | – | -98.0 [-103.0, -95.1] |  |  | NEW³
modes covered ↑ (classes) | 10 [10, 10] | 10 [10, 10] | 0 [0, 0] | 1 | SAME
entropy ↑ (nats) | – | 1.96 [1.90, 2.06] |  |  | FIXED⁴
KL ↓ (nats) | 0.0980 [0.0951, 0.1030] | 0.0980 [0.0951, 0.1030] | 0 [0, 0] | 1 | SAME
training ↓ | 12340 ± 100 | 9000 ± 90 | -3340 [-3540, -3160] |  | BETTER
compilation ↓ | 10 | 10.2 | +0.200 |  | UNSURE⁵
the whole model | – | – |  |  | GONE⁶
the whole model | – | – |  |  | NEW⁷
""".strip().splitlines()


def test_every_cell_stands_in_its_row_and_column(every: Comparison) -> None:
    markdown = re.sub(r"\\|\*\*", "", render_comparison(every, "md"))
    lines = [line.strip("| ") for line in markdown.splitlines() if line.startswith("|")]
    places = [lines.index(CELLS[0]), *(lines.index(cells) for cells in CELLS[1:])]
    assert places == sorted(places)
    rich = [re.split(r"\s{2,}", line.strip()) for line in render_comparison(every, "rich", 140).splitlines()]
    assert [[cell for cell in cells.split(" | ") if cell.strip()] for cells in CELLS] == [
        cells for cells in rich if re.match(r"[A-Z]{3,}", cells[-1])
    ]


def test_long_labels_are_folded_and_stay_whole() -> None:
    label = "wgan_gradient_penalty_lambda_10_spectral_norm"
    records = run({"quality.fid": around(7.0)}, model=label)
    records += run({"quality.fid": around(9.0)}, model=f"{label}_2")
    for width in (60, 80, 140):
        for comparison in (compare_models(records), compare_runs(records, records)):
            text = render_comparison(comparison, "rich", width)
            assert max(map(cell_len, text.splitlines())) <= width
    both_sides = render_comparison(compare_runs(records, records), "rich", 80)
    assert both_sides.count("verdict") == 2  # one part a model
    assert f"{label}, 8 seeds" in render_comparison(compare_models(records), "md").replace("\\", "")
    narrow = [line.strip() for line in render_comparison(compare_models(records), "rich", 60).splitlines()]
    assert narrow[narrow.index("over") - 1].endswith("8 seeds")  # where one name ends and the other begins


def test_equal_reasons_share_a_footnote() -> None:
    numbers = {"quality.fid": around(7.0), "quality.kid": around(1.0)}
    again = build_comparison(compare_runs(run(numbers), run(numbers, run="new")))
    assert again.tables[0].footnotes == ("every number of every seed is the same, to the bit",)
    assert {row.mark for row in rows_of(again).values()} == {1}


def test_verdicts_are_coloured_only_when_asked(every: Comparison) -> None:
    assert "\x1b" not in render_comparison(every, "rich", 80)
    colored = render_comparison(every, "rich", 140, color=True)
    for style, verdict in (
        ("31", "WORSE"),
        ("32", "BETTER"),
        ("2", "SAME"),
        ("31", "FAILED"),
        ("33", "UNSURE"),
    ):
        assert f"\x1b[{style}m{verdict}" in colored


@pytest.mark.parametrize("form", FORMATS)
def test_names_are_text_and_nothing_more(form: Format) -> None:
    here = {"model": HOSTILE, "dataset": HOSTILE, "suite": HOSTILE, "unit": HOSTILE}
    base = run({"quality.fid": around(7.0), "quality.new|x": around(1.0)}, **here, run=HOSTILE)
    base += run({"quality.fid": around(7.0)}, **{**here, "model": "=1+1"}, run=HOSTILE)
    failed = record("quality.kid", None, **here, reason=HOSTILE, status="FAILED", seed=None)
    new = run({"quality.fid": around(9.0), "quality.new|x": around(1.0), "quality.kid": around(1.0)}, **here)
    text = render_comparison(compare_runs([*base, replace(failed, run=HOSTILE)], new), form, 200)
    assert not set(text) & set("\x1b\u202e\r")
    if form == "rich":
        assert "[red]a|b" in text
    if form == "md":
        lines = [line for line in text.splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {7}, lines
        assert not re.search(r"(?<!\\)<img", text)
    if form == "latex":
        line = next(line for line in text.splitlines() if line.startswith("    ") and "base" in line)
        cells = re.split(r"(?<!\\) & ", line.removesuffix(r" \\"))
        assert len(cells) == 5 and not re.search(r"(?<!\\)[%#&_]|[<>^~|]", cells[0])
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert {len(row) for row in rows} == {len(COLUMNS)}
        assert "'=1+1" in {row["new_model"] for row in rows}
    if form == "json":
        json.loads(text)


def test_csv_has_every_number_unrounded(every: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(render_comparison(every, "csv"))))
    assert tuple(rows[0]) == COLUMNS and len(rows) == len(every.rows)
    first, fd = rows[0], every.rows[0]
    assert fd.difference is not None and first["metric"] == "quality.fid"
    assert float(first["difference"]) == fd.difference.estimate and float(first["margin"]) == fd.margin
    assert float(first["adjusted"]) == fd.adjusted and first["test"] == "paired"
    for side in ("base", "new"):
        for name in ("median", "iqm", "mean"):
            low, value, high = (float(first[f"{side}_{name}{end}"]) for end in ("_low", "", "_high"))
            assert low < value < high
        assert (first[f"{side}_n"], first[f"{side}_lost"]) == ("8", "0")
    by = {row["metric"]: row for row in rows}
    assert (
        by["quality.elbo"]["base_n"] == "" and by["quality.precision"]["why"] == "n fake not stated and 10000"
    )
    (lost,) = [
        row for row in csv.DictReader(io.StringIO(render_comparison(with_lost_seeds(), "csv")))
        if row["metric"] == "quality.fid"
    ]  # fmt: skip
    assert (lost["difference"], lost["low"], lost["high"]) == ("inf", "0.0", "inf")
    assert (lost["new_n"], lost["new_lost"], lost["verdict"]) == ("4", "4", "UNSURE")
    assert f"≈ {lost['seeds']} seeds" == needed(with_lost_seeds(), "quality.fid")


def test_json_has_every_number_and_its_seeds(every: Comparison) -> None:
    content = json.loads(render_comparison(every, "json"))
    assert content["schema"] == 1 and content["gate"] is None and content["within"] is False
    assert (content["base"], content["new"], content["suites"]) == (["base"], ["new"], ["s"])
    fd, row = content["rows"][0], every.rows[0]
    shift = row.difference
    assert row.base is not None and shift is not None
    assert fd["base"]["values"] == {str(seed): value for seed, value in row.base.values.items()}
    told = {"estimate": shift.estimate, "low": shift.low, "high": shift.high, "infinite": {}}
    assert fd["difference"] == told
    assert (fd["verdict"], fd["gated"], fd["improvement"]) == ("WORSE", False, 0.0)
    assert fd["base"]["mean"]["value"] == pytest.approx(sum(row.base.values.values()) / 8)
    speed = next(row for row in content["rows"] if row["metric"] == "throughput.train_images_per_s")
    assert speed["base"]["measured"] == [{"value": 12345.0, "error": 100.0}] and speed["p"] is None
    assert speed["base"]["median"] == {"value": 12345.0, "low": 12245.0, "high": 12445.0}
    assert content["left_out"] == ["memorization.distance"]
    assert content["summary"] == list(build_comparison(every).summary)


def test_json_tells_infinite_from_missing() -> None:
    content = json.loads(render_comparison(with_lost_seeds(), "json"), parse_constant=pytest.fail)
    share, fd = content["rows"]
    assert fd["difference"] == {
        "estimate": None, "low": 0.0, "high": None, "infinite": {"estimate": "+", "high": "+"}
    }  # fmt: skip
    assert fd["new"]["lost"] == [0, 1, 2, 3] and fd["new"]["n"] == 4
    assert share["new"]["mean"]["value"] == 0.5 and share["new"]["median"]["value"] is None
    assert 0 < share["new"]["mean"]["low"] < 0.5
    few = json.loads(render_comparison(of("quality.fid", [1.0], [2.0]), "json"))["rows"][0]
    assert few["difference"] == {"estimate": 1.0, "low": None, "high": None, "infinite": {}}


def test_numbers_so_alike_that_they_have_no_interval_are_written_all_the_same() -> None:
    alike = [10.0, 10.0, 10.0, 10.0, 10.0, 9.0]
    text = render_comparison(of("modes.covered", alike, alike), "json")
    side = json.loads(text, parse_constant=pytest.fail)["rows"][0]["base"]
    assert side["iqm"]["value"] == 10.0 and all(
        side[name]["value"] is not None for name in ("median", "mean")
    )


def test_latex_has_minus_signs_and_a_float_a_dataset(every: Comparison) -> None:
    latex = render_comparison(every, "latex")
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == latex.count(r"\label{tab:") == 1
    assert r"\begin{tabular}{@{}lrrrl@{}}" in latex and r"\textbf{WORSE}" in latex
    assert r"{\scriptsize [$-$3540, $-$3160]}" in latex and r" $-$3340 " in latex
    assert r"\multicolumn{5}{@{}l}{\textit{sample quality}}" in latex
    assert latex.index(r"\end{table}") < latex.index(r"\emph{Notes to Table~\ref{tab:")
    assert r"+$\infty$" in render_comparison(with_lost_seeds(), "latex")
    assert needed(every, "quality.density").replace("≈", r"$\approx$") in latex and r"\par" in latex
    rows = [line for line in latex.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {5}


def test_latex_puts_no_more_into_a_float_than_a_page_holds() -> None:
    names = [f"{group}.metric_{k}" for group in ("quality", "modes", "extra") for k in range(9)]
    sides = [run({name: around(1.0) for name in names}, run=which) for which in ("one", "two")]
    skipped = record("quality.elbo", None, reason="no encoder", status="SKIPPED", run="one")
    latex = render_comparison(compare_runs([*sides[0], skipped], sides[1]), "latex")
    floats = latex.split(r"\begin{table}")[1:]
    assert ["(1 of 2)" in floats[0], "(2 of 2)" in floats[1], len(floats)] == [True, True, 2]
    assert [text.count("metric ") for text in floats] == [18, 9]
    assert [text.count(r"\bottomrule") for text in floats] == [1, 1]
    assert len(set(re.findall(r"\\label\{(.*?)\}", latex))) == 2 and latex.count("Notes to Tables~") == 1


def test_markdown_is_bold_where_something_is_sure(every: Comparison) -> None:
    markdown = render_comparison(every, "md")
    assert "| **WORSE** |" in markdown and "| SAME |" in markdown and "**UNSURE" not in markdown
    assert markdown.index("On digits, vae") < markdown.index("### digits") < markdown.index("- Each side")


def test_nothing_to_compare_makes_no_table() -> None:
    empty = compare_runs([], [])
    assert build_comparison(empty).tables == ()
    assert all(isinstance(render_comparison(empty, form), str) for form in FORMATS)


def test_an_unknown_format_is_an_error(every: Comparison) -> None:
    with pytest.raises(GenbenchError, match=r"Did you mean 'latex'"):
        render_comparison(every, "latexx")  # type: ignore[arg-type]


def test_a_metric_without_a_direction_has_no_arrow_and_is_in_no_row(every: Comparison) -> None:
    assert all(row.better is not Better.NEITHER or not row.metric for row in every.rows)
    assert "distance" not in rows_of(build_comparison(every))
    assert not math.isnan(every.alpha)
