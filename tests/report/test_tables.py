import csv
import io
import json
import re
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from genbench.core.errors import GenbenchError
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.as_csv import COLUMNS
from genbench.report.render import Format, render
from genbench.report.tables import Table, build_tables

Make = Callable[..., Record]
FORMATS: tuple[Format, ...] = ("rich", "md", "csv", "json", "latex")


@pytest.fixture(scope="module")
def tables(run: list[Record]) -> tuple[Table, ...]:
    return build_tables(run)


def test_one_table_a_group_with_models_then_controls(tables: tuple[Table, ...]) -> None:
    assert [(table.dataset, table.group) for table in tables] == [
        ("digits", "quality"),
        ("digits", "modes"),
        ("digits", "throughput"),
    ]
    quality, _, throughput = tables
    names = ["gan", "ns_gan", "wgan_gradient_penalty_lambda_10_spectral_norm", "vae"]
    assert [row.name for row in quality.rows] == [*names, "real", "collapsed", "noise"]
    assert [row.name for row in throughput.rows] == names  # a control has no speed
    assert [row.kind for row in quality.rows].index("control") == 4
    assert [column.label for column in quality.columns[:3]] == ["FD", "KD", "precision"]
    assert [column.arrow for column in quality.columns[:3]] == ["↓", "↓", "↑"]


def test_seeds_and_reasons_are_shown(tables: tuple[Table, ...]) -> None:
    gan, ns_gan, _, vae = tables[0].rows[:4]
    assert (gan.seeds, ns_gan.seeds, vae.seeds) == ("4/5, 1 diverged", "5", "0/5, 5 failed")
    assert "step 812" in tables[0].footnotes[gan.seeds_mark - 1]
    assert gan.cells[0].estimate is not None and gan.cells[0].mark == 0
    assert all(cell.estimate is None and "784" in tables[0].footnotes[cell.mark - 1] for cell in vae.cells)
    flops = tables[2].rows[0].cells[-1]
    assert tables[2].footnotes[flops.mark - 1] == "the counter does not know aten::bmm"


def test_notes_say_protocol_controls_and_few_seeds(tables: tuple[Table, ...]) -> None:
    notes = "\n".join(tables[0].notes)
    for part in ("n fake 2000", "mnist-cnn@9f3ac1d2", "precision bfloat16", "lanes 5", "steps 2000"):
        assert part in notes
    assert "with 4 seeds" in notes and "88 %" in notes
    assert "'real'" in notes and "NOT COMPARABLE" not in notes
    assert "ab12cd3" in tables[0].caption and "e41f09" in tables[0].caption


def test_controls_drawn_several_times_are_not_taken_for_seeds(make: Make) -> None:
    records = [make(seed=seed, value=float(seed)) for seed in range(7)]
    records += [make(model="real", seed=seed, value=float(seed)) for seed in range(3)]
    cost = {"metric": "throughput.compile_s", "seed": None, "unit": "s"}
    records += [make(**cost), make(**cost, model="real", value=None, reason="no clock")]
    quality, throughput = build_tables(records)
    notes = " ".join(quality.notes)
    assert "over 3 draws" in notes and "with 3 seeds" not in notes
    assert [row.name for row in throughput.rows] == ["gan"]


def test_draws_that_score_alike_are_not_said_to_have_no_spread(make: Make) -> None:
    records = [make(seed=seed, value=float(seed)) for seed in range(7)]
    apart = [make(model="real", seed=seed, value=float(seed)) for seed in range(3)]
    alike = [make(model="real", seed=seed, value=1.5) for seed in range(3)]
    said = "an interval without width says that these draws scored alike"
    assert said in " ".join(build_tables(records + alike)[0].notes)
    assert said not in " ".join(build_tables(records + apart)[0].notes)


def test_quick_and_fallback_are_in_the_title(make_run: Callable[..., list[Record]], make: Make) -> None:
    assert "QUICK RUN: not for comparison" in build_tables(make_run(quick=True))[0].title
    assert "QUICK" not in build_tables(make_run(quick=False))[0].title
    (table,) = build_tables([make(protocol={"fallback_for": "mnist"})])
    assert table.title.startswith("digits") and "(fallback for mnist)" in table.title


def test_numbers_of_other_protocols_in_one_column_are_called_out(make: Make) -> None:
    records = [make(model="gan", protocol={"n_fake": 2000}), make(model="vae", protocol={"n_fake": 500})]
    (table,) = build_tables(records)
    assert "NOT COMPARABLE within FD: n fake 2000 (gan), 500 (vae)." in table.notes
    # lanes and steps may differ, and say whose they are, once for all metrics
    sizes = [
        make(model=model, metric=f"quality.{metric}", lanes=lanes)
        for model, lanes in (("gan", 5), ("vae", 3))
        for metric in ("fid", "kid")
    ]
    (table,) = build_tables(sizes)
    assert "lanes 5 (gan), 3 (vae)" in table.notes[-1] and "NOT COMPARABLE" not in "\n".join(table.notes)
    versions = [make(model="gan", versions={"metric": "1"}), make(model="vae", versions={"metric": "2"})]
    assert any("NOT COMPARABLE" in note for note in build_tables(versions)[0].notes)
    columns = [make(metric="quality.fid", protocol={"n": 1}), make(metric="quality.kid", protocol={"n": 2})]
    assert "n 1 (FD), 2 (KD)" in "\n".join(build_tables(columns)[0].notes)


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_terminal_lines_fit_and_no_number_is_lost(tables: tuple[Table, ...], width: int) -> None:
    text = render(tables, "rich", width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    for number in ("[0.0160, 0.0178]", "± 0.00036", "1728k", "761M", "4/5"):
        assert number in text
    assert "…" not in text


def test_narrow_terminals_repeat_the_names_in_every_part(tables: tuple[Table, ...]) -> None:
    narrow, wide = (render(tables[:1], "rich", width) for width in (80, 240))
    assert narrow.count("ns_gan") > 1 == wide.count("ns_gan")
    assert "wgan_gradient_penalty_lambda_10_spectral_norm" in wide


def test_a_width_too_small_for_one_number_still_shows_it_whole(tables: tuple[Table, ...]) -> None:
    assert "[0.0160, 0.0178]" in render(tables[:1], "rich", 20)


def test_terminal_colors_only_when_asked(tables: tuple[Table, ...]) -> None:
    assert "\x1b" not in render(tables, "rich", 80)
    assert "\x1b[1m" in render(tables, "rich", 80, color=True)


HOSTILE = "[red]a|b\x1b[31m_c\u202e$d\n&%{}\\`<img src=x>\r#~^"


@pytest.mark.parametrize("form", FORMATS)
def test_names_are_text_and_nothing_more(make: Make, form: Format) -> None:
    here = {"model": HOSTILE, "dataset": HOSTILE}
    records = [make(**here), make(model="=1+1", dataset=HOSTILE)]
    records.append(make(**here, metric="quality.new_one|x", unit=HOSTILE, better=Better.NEITHER))
    records.append(make(**here, metric=OUTCOME, status=Status.FAILED, reason=HOSTILE))
    text = render(build_tables(records), form, 200)
    assert not set(text) & set("\x1b\u202e\r")
    if form == "rich":
        assert "[red]a|b" in text
    if form == "md":
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}, rows
        assert not re.search(r"(?<!\\)<img", text)
    if form == "latex":
        name = next(line for line in text.splitlines() if "img" in line and line.startswith("    "))
        cells = re.split(r"(?<!\\) & ", name.removesuffix(r" \\"))
        assert len(cells) == 4
        assert not re.search(r"(?<!\\)[%#&_]|[<>^~|]", cells[0])
        assert r"\textbackslash{}" in text and r"\{\}" in text
    if form == "csv":
        assert "'=1+1" in {row["model"] for row in csv.DictReader(io.StringIO(text))}


def test_csv_has_every_cell_unrounded(tables: tuple[Table, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(render(tables, "csv"))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == sum(len(table.rows) * len(table.columns) for table in tables)
    first = tables[0].rows[0].cells[0].estimate
    assert first is not None and float(rows[0]["median"]) == first.median
    assert all(row["median"] or row["reason"] for row in rows)


def test_json_is_the_table(tables: tuple[Table, ...]) -> None:
    content = json.loads(render(tables, "json"))
    assert content["schema"] == 1
    cell = content["tables"][0]["rows"][0]["cells"][0]["estimate"]
    first = tables[0].rows[0].cells[0].estimate
    assert first is not None and cell["median"] == first.median and cell["over"] == "seeds"
    assert content["tables"][0]["columns"][0]["better"] == "lower"


def test_markdown_and_latex_keep_controls_apart(tables: tuple[Table, ...]) -> None:
    assert "| *real* (control) |" in render(tables, "md")
    latex = render(tables[:1], "latex")
    parts = latex.count(r"\begin{tabular}{@{}l")
    assert latex.count(r"\midrule") == 2 * parts == latex.count(r"\textit{real}") * 2 == 4
    assert r"wgan\_gradient" in latex and r"$\downarrow$" in latex


def test_no_records_make_no_tables() -> None:
    assert build_tables([]) == ()
    assert all(isinstance(render([], form), str) for form in FORMATS)


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(GenbenchError, match=r"Did you mean 'latex'"):
        render([], "latexx")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["rich", "md", "latex"])
def test_samples_that_nobody_trained_have_no_seeds(make, kind):
    """A column of seeds, lanes and steps would be a column of nothing."""
    own = {"seed": None, "step": 0, "lanes": 1, "protocol": {"n_fake": 500}}
    records = [make(model="mine", value=3.5, **own), make(model="real", value=0.5, **{**own, "seed": 0})]
    text = render(build_tables(records), kind, 80)
    for word in ("seeds", "Seeds", "lanes", "steps"):
        assert word not in text.replace("over seeds", "").replace("in place of seeds", "")
    assert "3.5" in text
    trained = render(build_tables([make(), *records]), kind, 80)
    assert "seeds" in trained.lower()
    assert "steps 2000" in trained


def test_a_stamp_of_most_metrics_names_the_others(make):
    shared = {"n_fake": 500}
    records = [
        make(metric="quality.fid", protocol=shared),
        make(metric="quality.kid", protocol=shared),
        make(metric="quality.recall", protocol={**shared, "k": 5}),
        make(metric="quality.elbo", protocol={}),
    ]
    (table,) = build_tables(records)
    (note,) = [note for note in table.notes if note.startswith("Protocol")]
    assert "n fake 500 (not ELBO)" in note
    assert "k 5 (recall)" in note


def test_a_table_of_the_target_says_how_seeds_count_that_never_got_there(make: Make) -> None:
    metric = {"metric": "target.steps", "unit": "steps"}
    records = [make(**metric, seed=seed, value=500.0 * (seed + 1)) for seed in range(3)]
    never = {"value": None, "status": Status.SKIPPED, "reason": "not reached: best 12 at step 2,000"}
    records += [make(**metric, seed=seed, **never) for seed in (3, 4)]
    late = {"model": "vae", **metric}
    records += [make(**late, seed=0, value=100.0), make(**late, seed=1, **never)]
    (table,) = build_tables([*records, make(seed=0)])[1:]
    (note,) = [note for note in table.notes if "counts as later" in note]
    assert "never reached the target" in note
    shown = render([table], "md")
    assert "1500² \\[500, –\\]" in shown and "| –⁴" in shown
    said = [text.split(";")[0] for text in table.footnotes]
    assert (said[1], said[3]) == ("reached by 3 of 5 seeds", "reached by 1 of 2 seeds")
    assert all("counts as later" not in note for note in build_tables([make(seed=0)])[0].notes)
