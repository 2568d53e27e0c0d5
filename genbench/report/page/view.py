"""Tables and figures as the page's template wants them: texts, anchors and numbers to sort by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from genbench.core.record import Better
from genbench.report.csv_of_frame import csv_of_frame
from genbench.report.headings import GROUPS
from genbench.report.notes import UNLIKE
from genbench.report.numbers import MISSING, Shown, show
from genbench.report.tables import Table, TableCell, TableColumn

if TYPE_CHECKING:
    from markupsafe import Markup

    from genbench.report.figures.plot import Plot

_MOST_DATA = 150_000  # characters of a figure's numbers inside a page
_SCALE = 115  # pixels an inch: letters of 8 points are as large as the text beside them
_WIDE = 600  # pixels: a wider figure is scrolled on a phone
_LONG = 10  # letters: such a piece of a name does not fit into a narrow column
_PLAIN = " !$()*+,-./:;=?@[]^_`{|}~"
"""Signs that need no percent in a data URI inside an attribute, beside letters and digits."""


class Anchors:
    """Names for places of a page, each given once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __call__(self, *parts: str) -> str:
        """A name made of these, that no other place has."""
        name = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:60] or "part"
        name = name if name[0].isalpha() else f"x-{name}"
        number, chosen = 1, name
        while chosen in self._given:
            number += 1
            chosen = f"{name}-{number}"
        self._given.add(chosen)
        return chosen


@dataclass(frozen=True, slots=True)
class CellView:
    """One number: as text, what a table is sorted by (empty for no number), its footnote and rank."""

    value: str
    interval: str
    sort: str
    mark: int
    rank: int | None


@dataclass(frozen=True, slots=True)
class HeadView:
    """One column: label and arrow, unit, what the arrow says, how it sorts first, whether it has ranks."""

    label: str
    arrow: str
    unit: str
    said: str
    first: str
    ranked: bool


@dataclass(frozen=True, slots=True)
class RowView:
    """One model or control; its name in pieces between which a line may break."""

    pieces: tuple[str, ...]
    seeds: str
    seeds_mark: int
    cells: tuple[CellView, ...]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table with its place on the page.

    ``long`` says that some name has long pieces; ``warnings`` are notes that must not be overlooked.
    """

    anchor: str
    heading: str
    title: str
    seeded: bool
    long: bool
    heads: tuple[HeadView, ...]
    models: tuple[RowView, ...]
    controls: tuple[RowView, ...]
    footnotes: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure with its place on the page, and its numbers as a file to take away.

    ``short`` is the title where the dataset is said already.
    """

    anchor: str
    title: str
    short: str
    caption: str
    uri: Markup
    width: int
    height: int
    wide: bool
    file: str
    data: Markup | None
    size: str
    rows: int


def table_view(table: Table, anchors: Anchors, section: str) -> TableView:
    """A table for the template."""
    heading = GROUPS.get(table.group) or table.group
    rows = [
        (row.kind, RowView(pieces_of(row.name), row.seeds, row.seeds_mark, _cells(table, row.cells)))
        for row in table.rows
    ]
    return TableView(
        anchor=anchors(section, table.group),
        heading=heading[:1].upper() + heading[1:],
        title=table.title,
        seeded=table.seeded,
        long=any(len(piece) > _LONG for _, row in rows for piece in row.pieces),
        heads=tuple(_head(table, place, column) for place, column in enumerate(table.columns)),
        models=tuple(row for kind, row in rows if kind == "model"),
        controls=tuple(row for kind, row in rows if kind == "control"),
        footnotes=table.footnotes,
        warnings=tuple(note for note in table.notes if note.startswith(UNLIKE)),
        notes=tuple(note for note in table.notes if not note.startswith(UNLIKE)),
    )


def pieces_of(name: str) -> tuple[str, ...]:
    """A name cut after its joining signs: there a line may break."""
    return tuple(re.findall(r"[^_\-./:+ ]*[_\-./:+ ]?", name)[:-1]) or (name,)


def _head(table: Table, place: int, column: TableColumn) -> HeadView:
    ranked = any(row.cells[place].rank for row in table.rows)
    said = "" if column.better is Better.NEITHER else f"{column.better} is better"
    first = "descending" if column.better is Better.HIGHER else "ascending"
    return HeadView(column.label, column.arrow, column.unit, said, first, ranked)


def _cells(table: Table, cells: Sequence[TableCell]) -> tuple[CellView, ...]:
    return tuple(_cell(cell, column) for cell, column in zip(cells, table.columns, strict=True))


def _cell(cell: TableCell, column: TableColumn) -> CellView:
    shown = show(cell.estimate, column.prefix) if cell.estimate else Shown(MISSING, "")
    sort = repr(cell.estimate.median) if cell.estimate else ""
    return CellView(shown.value, shown.interval, sort, cell.mark, cell.rank)


def figure_view(plot: Plot, anchors: Anchors, section: str, files: set[str], run: str = "") -> FigureView:
    """A figure for the template.

    Args:
        plot: the figure.
        anchors: names of places.
        section: the anchor of its section.
        files: names of files that are taken; that of its numbers is added.
        run: begins that name where there are several.
    """
    from genbench.report.figures.catalogue import file_name, free_name
    from genbench.report.figures.figure import as_svg

    width, height = (round(_SCALE * side) for side in plot.figure.get_size_inches())
    text = csv_of_frame(plot.frame, "%.6g")
    small = len(text) <= _MOST_DATA
    parts = [*([run] if run else []), plot.dataset, plot.name]
    return FigureView(
        anchor=anchors(section, "figure", plot.name),
        title=plot.title,
        short=plot.title.removeprefix(f"{plot.dataset}: "),
        caption=plot.caption,
        uri=data_uri("image/svg+xml", as_svg(plot.figure, plot.title)),
        width=width,
        height=height,
        wide=width > _WIDE,
        file=f"{free_name('-'.join(map(file_name, parts)), files)}.csv",
        data=data_uri("text/csv;charset=utf-8", text) if small else None,
        size=size_of(len(text)),
        rows=len(plot.frame),
    )


def data_uri(kind: str, text: str) -> Markup:
    """Text as an address that needs no escaping in an attribute."""
    from markupsafe import Markup

    return Markup(f"data:{kind},{quote(text, safe=_PLAIN, errors='replace')}")


def size_of(count: int) -> str:
    """Bytes for people: ``900 bytes``, ``12 kB``, ``1.4 MB``."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
