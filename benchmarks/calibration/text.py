"""The figures as text, 80 columns wide at most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from calibration.alarms import Share

Rows = Sequence[Mapping[str, Any]]

WIDTH = 80


def same_code(rows: Rows) -> Iterator[str]:
    """A/A."""
    if not rows:
        return
    yield from _heading(
        f"The same code on both sides: alarms of a gate on {rows[0]['rows']} rows, alpha 0.05, %"
    )
    layout = "{:8} {:>2}{} {:>5} {:>15} {:>15} {:>15} {:>5} {:>5}"
    yield layout.format("seeds", "n", " ", "comp.", "margin 5 %", "no margin", "either way", "twice", "drawn")
    for row in rows:
        told = (row["alarms_as_shipped"], row["alarms_without_margin"], row["any_difference_without_margin"])
        again = [_plain(row[f"{how}_without_margin"], 1) for how in ("confirmed", "resampled")]
        shares = [_percent(share, _short) for share in told]
        silent = " " if row["can_fire"] else "*"
        yield layout.format(_pairing(row), row["n"], silent, told[0][1], *shares, *again)
    yield "* so few seeds reach no p small enough for so many rows: such a gate never fires"
    yield "either way: any row better or worse, no margin; twice: alarms without margin"
    yield "that fresh seeds confirm; drawn: alarms without margin if sides are drawn anew,"
    yield f"of {rows[0]['resampled_without_margin'][1]} comparisons that share seeds"
    yield from _heading("One row as a family of its own: differs, either way, p at most 0.05, %")
    names = list(rows[0]["each_row_alone_any_difference"])
    layout = "{:34}" + " {:>5}" * len({row["n"] for row in rows})
    for paired in (False, True):
        mine = [row for row in rows if row["paired"] is paired]
        if not mine:
            continue
        yield layout.format(f"{_pairing(mine[0])}, n", *(row["n"] for row in mine))
        for name in names:
            shown = [_plain(row["each_row_alone_any_difference"][name], 1) for row in mine]
            yield layout.format(name, *shown)


def with_defects(rows: Rows) -> Iterator[str]:
    """A/B: power by seeds, then by row."""
    if not rows:
        return
    yield from _heading("A planted defect: comparisons in which a gate on all rows raises an alarm, %")
    layout = "{:12} {:>3} {:>8} {:>19} {:>19} {:>5} {:>6}"
    yield layout.format("", "n", "compared", "margin 5 %", "no margin", "twice", "undec.")
    for row, first in _with_first(rows, ("defect", "paired")):
        if first:
            yield f"{row['defect']}, {_pairing(row)}"
        shipped, bare = row["alarms_as_shipped"], row["alarms_without_margin"]
        others = [_plain(row[key]) for key in ("confirmed_as_shipped", "undecided")]
        yield layout.format("", row["n"], shipped[1], _percent(shipped), _percent(bare), *others)
    yield "twice: alarms at the margin of 5 % that fresh seeds confirm; undec.: a gate"
    yield "without enough numbers to be judged by, which is not passed either"
    sizes = sorted({row["n"] for row in rows})
    for alone, title in (
        (False, "Which rows are WORSE, corrected for all of them, margin 5 %, %"),
        (True, "What a single gate on that row alone would catch, margin 5 %, %"),
    ):
        yield from _heading(title)
        layout = "{:34}" + " {:>5}" * len(sizes)
        for defect in dict.fromkeys(row["defect"] for row in rows):
            for paired in (False, True):
                mine = [row for row in rows if (row["defect"], row["paired"]) == (defect, paired)]
                yield layout.format(f"{defect}, {_pairing(mine[0])}"[:34], *sizes)
                key = "each_row_alone" if alone else "each_row_as_shipped"
                for name in mine[0][key]:
                    yield layout.format(f"  {name}", *(_plain(row[key][name]) for row in mine))


def medians(rows: Rows) -> Iterator[str]:
    """What was trained."""
    yield from _heading("What the seeds score: quartiles")
    layout = "{:2} {:45} {:>30}"
    for row, first in _with_first(rows, ("defect",)):
        if first:
            yield f"{row['defect']}, {row['seeds']} seeds"
        lacking = f" ({row['without_number']} none)" if row["without_number"] else ""
        numbers = " ".join(f"{value:.3g}" for value in row["quartiles"])
        yield layout.format("", f"{row['model']} {row['metric']}{lacking}", numbers)


def timings(spread: Rows, alarms: Rows) -> Iterator[str]:
    """Measurements of time."""
    if not spread:
        return
    yield from _heading("Two runs of the same code: their difference as a share of the mean, %")
    layout = "{:6} {:30} {:>20} {:>20}"
    yield layout.format("", "", "next in time", "any two")
    yield layout.format("", "", "50  90  95 max", "50  90  95 max")
    for row in spread:
        quantiles = [" ".join(_short(100 * q) for q in row[kind]) for kind in ("next", "any two")]
        yield layout.format(_machine(row), row["metric"], *quantiles)
    for row in {row["busy"]: row for row in spread if row.get("others")}.values():
        least, middle, most = row["others"]
        yield f"{_machine(row)}: others kept {middle:.2f} cores busy, {least:.2f} to {most:.2f}"
    for row in spread:
        ratios = ", ".join(f"{key.split()[0]} {row[key]:.2f}" for key in row if key.endswith("shipped"))
        told = f"{_machine(row)} {row['metric']}, slower over shipped: {ratios}"
        yield from wrap(told, WIDTH, subsequent_indent="  ")
    yield from _heading("One run a side, any two: false alarms / caught slower steps, %, by margin")
    margins = sorted({row["margin"] for row in alarms})
    layout = "{:6} {:28}" + " {:>8}" * len(margins)
    yield layout.format("", "", *(f"{100 * margin:g} %" for margin in margins))
    yield from _by_margin([row for row in alarms if row["turns"] == "any two"], layout, margins)
    for turns in ("by turns", "one after the other"):
        for n in sorted({row["runs"] for row in alarms}):
            mine = [row for row in alarms if (row["turns"], row["runs"]) == (turns, n)]
            if any(row["false"][1] for row in mine):
                yield from _heading(f"{n} runs a side, {turns}: false alarms / caught, %, by margin")
                yield from _by_margin(mine, layout, margins)


def tests(rows: Rows) -> Iterator[str]:
    """Simulated tests."""
    yield from _heading("Tests at 0.05 on drawn values: false alarms / caught, %")
    names = list(dict.fromkeys(row["test"] for row in rows))
    layout = "{:18} {:>3} {:>6}" + " {:>16}" * len(names)
    yield layout.format("", "n", "moved", *names)
    for row, _ in _with_first([row for row in rows if row["test"] == names[0]], ()):
        same = [r for r in rows if (r["distribution"], r["n"]) == (row["distribution"], row["n"])]
        shares = [f"{_plain(r['false'], 1)} / {_plain(r['caught'], 1)}" for r in same]
        yield layout.format(row["distribution"], row["n"], row["moved_by"], *shares)


def intervals(rows: Rows) -> Iterator[str]:
    """Simulated coverage."""
    yield from _heading("How often a 95 % interval over n values holds the truth, %")
    names = list(dict.fromkeys(row["statistic"] for row in rows))
    layout = "{:18} {:>3}" + " {:>13}" * len(names)
    yield layout.format("", "n", *names)
    for row in (row for row in rows if row["statistic"] == names[0]):
        same = [r for r in rows if (r["distribution"], r["n"]) == (row["distribution"], row["n"])]
        yield layout.format(row["distribution"], row["n"], *(_plain(r["held"], 1) for r in same))


def _by_margin(rows: Rows, layout: str, margins: Sequence[float]) -> Iterator[str]:
    for row in (row for row in rows if row["margin"] == margins[0]):
        same = [r for r in rows if (r["busy"], r["metric"]) == (row["busy"], row["metric"])]
        shares = [f"{_plain(r['false'])} / {_plain(r['caught'])}" for r in same]
        yield layout.format(_machine(row), row["metric"], *shares)


def _with_first(rows: Rows, keys: Sequence[str]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Each row, and whether it is the first with these values."""
    before: list[Any] = []
    for row in rows:
        mine = [row[key] for key in keys]
        yield row, mine != before
        before = mine


def _heading(title: str) -> Iterator[str]:
    yield ""
    yield title
    yield "-" * min(len(title), WIDTH)


def _pairing(row: Mapping[str, Any]) -> str:
    return "paired" if row["paired"] else "unpaired"


def _machine(row: Mapping[str, Any]) -> str:
    return "busy" if row["busy"] else "quiet"


def _plain(share: Sequence[int], digits: int = 0) -> str:
    return f"{100 * Share(*share).value:.{digits}f}"


def _percent(share: Sequence[int], write: Callable[[float], str] = "{:.1f}".format) -> str:
    told = Share(*share)
    value, low, high = (write(100 * number) for number in (told.value, *told.interval))
    return f"{value} [{low}, {high}]"


def _short(percent: float) -> str:
    return f"{percent:.1f}" if percent < 10 else f"{percent:.0f}"
