"""Ranks beside the numbers they are of, and what is best for its cost."""

import csv
import io
import json
import re
from collections.abc import Callable

import pytest

from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.render import render
from genbench.report.tables import Table, build_tables

Make = Callable[..., Record]


def told_apart(make: Make, **change: object) -> list[Record]:
    """Six seeds a model: b is best, a and c overlap; KL tells nobody apart; 'real' is a control."""
    values = {"a": 20.0, "b": 10.0, "c": 20.5, "real": 1.0}
    records = []
    for model, middle in values.items():
        for seed in range(6):
            each = {"model": model, "seed": seed, **change}
            trial = f"{model}-{seed}"
            records.append(make(**each, trial=trial, metric="quality.fid", value=middle + seed / 3))
            noise = 1.0 + (seed * 7 + ord(model[0])) % 11
            records.append(make(**each, trial=trial, metric="quality.kid", value=noise))
    return records


def costs(make: Make, seconds: dict[str, float]) -> list[Record]:
    """What each lane cost, and that all of them ended."""
    metric = {"metric": "cost.seconds", "unit": "s"}
    records = [make(model=model, seed=s, value=t, **metric) for model, t in seconds.items() for s in range(6)]
    end = {"metric": OUTCOME, "better": Better.NEITHER}
    return records + [make(model=model, seed=s, **end) for model in seconds for s in range(6)]


def note(table: Table, begins: str) -> str:
    return next((text for text in table.notes if text.startswith(begins)), "")


def test_a_column_that_tells_models_apart_has_ranks(make: Make) -> None:
    (table,) = build_tables(told_apart(make))
    ranks = {row.name: [cell.rank for cell in row.cells] for row in table.rows}
    assert ranks == {"a": [2, None], "b": [1, None], "c": [2, None], "real": [None, None]}
    assert "Mann-Whitney" in note(table, "#: rank") and "alpha 0.05" in note(table, "#: rank")


def test_no_rank_no_note(make: Make) -> None:
    (table,) = build_tables([r for r in told_apart(make) if r.metric == "quality.kid"])
    assert note(table, "#") == ""
    assert "#" not in render([table], "rich", 80)


def test_a_note_stands_below_the_tables_that_have_ranks_only(make: Make) -> None:
    records = told_apart(make) + [make(model=m, seed=s, metric="modes.kl") for m in "abc" for s in range(6)]
    quality, modes = build_tables(records)
    assert note(quality, "#: rank") and not note(modes, "#: rank")


def test_a_quick_run_has_no_ranks(make: Make) -> None:
    (table,) = build_tables(told_apart(make, protocol={"quick": True}))
    assert all(cell.rank is None for row in table.rows for cell in row.cells)
    assert not note(table, "#: rank")


def test_a_model_of_which_nothing_is_left_is_last(make: Make) -> None:
    lost = {"value": None, "status": Status.DIVERGED, "reason": "not finite"}
    records = told_apart(make) + [make(model="d", seed=s, **lost) for s in range(6)]
    (table,) = build_tables(records)
    cell = next(row for row in table.rows if row.name == "d").cells[0]
    assert cell.estimate is None and cell.rank == 4
    assert "–² #4" in render([table], "rich", 80)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_terminal_numbers_end_in_one_column_with_or_without_a_rank(make: Make, width: int) -> None:
    text = render(build_tables(told_apart(make)), "rich", width).partition("──\n")[2]
    lines = [line for line in text.splitlines() if re.match(r"(a|b|c|real) ", line)]
    last = "]" if "]" in lines[0] else "."  # an interval in the same line, or in the next
    assert len(lines) == 4 and len({line.index(last) for line in lines}) == 1


def test_the_best_is_bold(make: Make) -> None:
    tables = build_tables(told_apart(make))
    assert "\x1b[1m10.8\x1b[0m [10.2, 11.5] \x1b[1m#1\x1b[0m" in render(tables, "rich", 80, color=True)
    assert "\x1b[1m10.8 #1\x1b[0m" in render(tables, "rich", 60, color=True)
    assert "\x1b[1m20.8" not in render(tables, "rich", 80, color=True)
    markdown = render(tables, "md")
    assert r"| **10.8 \#1** \[10.2, 11.5\] |" in markdown and r"| 20.8 \#2 \[20.2, 21.5\] |" in markdown
    latex = render(tables, "latex")
    assert r"& \textbf{10.8 \#1} [10.2, 11.5] &" in latex and r"& 20.8 \#2 [20.2" in latex
    assert r"\textit{real}" in latex and not re.search(r"\\textit\{real\}[^\n]*#", latex)


def test_machines_get_the_rank(make: Make) -> None:
    tables = build_tables(told_apart(make))
    rows = list(csv.DictReader(io.StringIO(render(tables, "csv"))))
    assert {(row["model"], row["metric"]): row["rank"] for row in rows if row["rank"]} == {
        ("a", "quality.fid"): "2", ("b", "quality.fid"): "1", ("c", "quality.fid"): "2"
    }  # fmt: skip
    cells = json.loads(render(tables, "json"))["tables"][0]["rows"][1]["cells"]
    assert [cell["rank"] for cell in cells] == [1, None]


def test_what_is_best_for_its_cost(make: Make) -> None:
    records = told_apart(make) + costs(make, {"a": 5.0, "b": 9.0, "c": 7.0})
    front = note(build_tables(records)[0], "Pareto")
    assert "of FD and the training time of a lane: a (20.8, 5 s), b (10.8, 9 s)." in front
    assert "within 10 %" in front
    same = told_apart(make) + costs(make, {"a": 9.5, "b": 10.0, "c": 9.6})  # no cheaper, to within 10 %
    assert "a lane: b (10.8, 10 s)." in note(build_tables(same)[0], "Pareto")


def test_where_no_column_has_ranks_the_cheapest_is_best(make: Make) -> None:
    records = [r for r in told_apart(make) if r.metric == "quality.kid"]
    front = note(build_tables(records + costs(make, {"a": 5.0, "b": 9.0, "c": 7.0}))[0], "Pareto")
    assert "of KD and the training time of a lane: a (" in front and front.count("(") == 1


def test_cost_is_told_below_the_first_table_of_quality_only(make: Make) -> None:
    records = told_apart(make) + costs(make, {"a": 5.0, "b": 9.0, "c": 7.0})
    known = [make(model=m, seed=s, metric="known_modes.reverse_kl") for m in "abc" for s in range(6)]
    tables = build_tables(known + records)
    assert [bool(note(table, "Pareto")) for table in tables] == [True, False, False]
    alone = build_tables(known + costs(make, {"a": 5.0, "b": 9.0, "c": 7.0}))
    assert [bool(note(table, "Pareto")) for table in alone] == [True, False]


@pytest.mark.parametrize("seconds", [{}, {"b": 9.0}])
def test_without_costs_to_compare_nothing_is_said_of_them(make: Make, seconds: dict[str, float]) -> None:
    records = told_apart(make) + costs(make, seconds)
    assert not note(build_tables(records)[0], "Pareto")


def test_names_in_the_note_are_harmless(make: Make) -> None:
    records = [make(model=f"x\x1b[31m{m}", seed=s, value=m + s / 3) for m in (1, 20) for s in range(6)]
    records += costs(make, {"x\x1b[31m1": 5.0, "x\x1b[31m20": 5.0})
    assert "x1 (1.8" in note(build_tables(records)[0], "Pareto")
