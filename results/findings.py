"""What was learned: sentences whose every number comes from a record, each held to claims that are checked.

``findings.toml`` has them. In a sentence ``{mnist quality.fid vae}`` is that number with its interval.
A claim is one of

    mnist quality.fid: vae beats gan, ns_gan       (a better rank, as in the tables: the seeds bear it out)
    mnist quality.fid: gan ties wgan               (no test tells the two apart, corrected as for ranks)
    mnist modes.covered: gan, wgan at least 10     (the median; control rows too)
    mnist modes.covered: collapsed at most 1
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from genbench.analyse.estimates import estimate_over_seeds
from genbench.analyse.rank import Pairs, told_apart
from genbench.analyse.sides import Side, sides
from genbench.analyse.standing import current
from genbench.core.errors import GenbenchError
from genbench.core.record import CONTROLS, MODE_SHARE, Better, Record
from genbench.report.numbers import show
from genbench.report.tables import TableCell, TableColumn, build_tables
from genbench.store.loaded import load_run

FILE = "findings.toml"
_BEGIN, _END = "<!-- from findings.toml, by rebuild.py -->", "<!-- end -->"
_NUMBER = re.compile(r"\{(\S+) (\S+) (\S+)\}")
_CLAIM = re.compile(r"(\S+) (\S+): (.+?) (beats|ties|at least|at most) (.+)")

Cells = Mapping[tuple[str, str, str], tuple[TableColumn, TableCell]]
"""By dataset, metric and row."""


def learned(page: str, results: Path) -> str:
    """The page with its list of findings made anew.

    Raises:
        GenbenchError: a claim does not hold, or names what the records do not have.
    """
    findings = tomllib.loads((results / FILE).read_text(encoding="utf-8"))["finding"]
    records = {run: load_run(results / run) for run in {f["run"] for f in findings}}
    cells = {run: _cells(mine) for run, mine in records.items()}
    apart = {run: _apart(mine) for run, mine in records.items()}
    lines = []
    for finding in findings:
        run = finding["run"]
        for claim in finding["holds"]:
            _check(claim, cells[run], apart[run], run)
        text = _NUMBER.sub(lambda match, run=run: _shown(match.groups(), cells[run], run), finding["text"])
        keys = [_parts(claim)[:3] for claim in finding["holds"]]
        metrics = dict.fromkeys(
            cells[run][dataset, metric, left[0]][0].label for dataset, metric, left in keys
        )
        lines.append(f"- {' '.join(text.split())} ([{run}]({run}/tables.md): {', '.join(metrics)})")
    before, _, rest = page.partition(_BEGIN)
    _, mark, after = rest.partition(_END)
    if not mark:
        raise GenbenchError(f"{results / 'README.md'} has no lines {_BEGIN} and {_END} for the findings.")
    return "\n".join([before + _BEGIN, "", *lines, "", _END + after])


def _cells(records: Sequence[Record]) -> dict[tuple[str, str, str], tuple[TableColumn, TableCell]]:
    """Of the tables, and the shares of single modes, which no table has."""
    cells = {
        (table.dataset, column.metric, row.name): (column, cell)
        for table in build_tables(records)
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
    }
    shares: dict[tuple[str, str, str], list[float]] = {}
    for record in current(records):
        if record.metric.startswith(MODE_SHARE) and record.value is not None:
            shares.setdefault((record.dataset, record.metric, record.model), []).append(record.value)
    for key, values in shares.items():
        column = TableColumn(key[1], f"share of class {key[1].removeprefix(MODE_SHARE)}", "", Better.NEITHER)
        cells[key] = (column, TableCell(estimate_over_seeds(values)))
    return cells


def _apart(records: Sequence[Record]) -> dict[tuple[str, str], Pairs | None]:
    """By dataset and metric: the pairs of models that a test tells apart, as ``told_apart`` has them."""
    columns: dict[tuple[str, str], dict[str, Side]] = {}
    for (dataset, model), one in sides(records).items():
        for metric, side in one.metrics.items():
            columns.setdefault((dataset, metric), {})[model] = side
    return {key: told_apart(mine) for key, mine in columns.items()}


def _cell(key: tuple[str, ...], cells: Cells, run: str) -> tuple[TableColumn, TableCell]:
    dataset, metric, row = key
    if (dataset, metric, row) not in cells:
        raise GenbenchError(f"{FILE}: the run {run} has no {metric} of {row} on {dataset}.")
    return cells[dataset, metric, row]


def _shown(key: tuple[str, ...], cells: Cells, run: str) -> str:
    column, cell = _cell(key, cells, run)
    if cell.estimate is None:
        raise GenbenchError(f"{FILE}: {' '.join(key)} in {run} has no value: {cell.reason}")
    unit = f" {column.unit}" if column.unit else ""
    return f"{show(cell.estimate, column.prefix)}{unit}"


def _parts(claim: str) -> tuple[str, str, list[str], str, list[str]]:
    match = _CLAIM.fullmatch(claim)
    if match is None:
        raise GenbenchError(f"{FILE}: cannot read the claim {claim!r}. findings.py tells how to write one.")
    dataset, metric, left, verb, right = match.groups()
    return dataset, metric, left.split(", "), verb, right.split(", ")


def _check(claim: str, cells: Cells, apart: Mapping[tuple[str, str], Pairs | None], run: str) -> None:
    dataset, metric, left, verb, right = _parts(claim)
    mine = [_cell((dataset, metric, name), cells, run)[1] for name in left]
    if verb in ("beats", "ties"):
        others = [_cell((dataset, metric, name), cells, run)[1] for name in right]
        if verb == "beats":
            good = all(_outranks(a, b) for a in mine for b in others)
        else:
            pairs = apart.get((dataset, metric))
            valued = all(cell.estimate for cell in (*mine, *others))
            tested = valued and pairs is not None and not {*left, *right} & {*CONTROLS}
            good = tested and not any(_parted(a, b, pairs or ()) for a in left for b in right)
    else:
        bound = float(right[0])
        values = [cell.estimate.median if cell.estimate else float("nan") for cell in mine]
        good = all(value >= bound if verb == "at least" else value <= bound for value in values)
    if not good:
        raise GenbenchError(f"{FILE}: in {run} it does not hold that {claim}. Correct the finding.")


def _outranks(one: TableCell, other: TableCell) -> bool:
    return one.rank is not None and other.rank is not None and one.rank < other.rank


def _parted(one: str, other: str, pairs: Pairs) -> bool:
    return (one, other) in pairs or (other, one) in pairs
