"""Tables in CSV: a line for each cell, numbers unrounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from genbench.report.tables import Table
from genbench.report.untrusted import cell as text

COLUMNS = (
    *("run", "suite", "dataset", "group", "model", "kind", "seeds", "metric", "unit", "better"),
    *("median", "low", "high", "n", "over", "reason", "rank", "seeds_reason", "title"),
)


def render_csv(tables: Sequence[Table]) -> str:
    """Tables as one CSV text with the columns ``COLUMNS``; an empty ``median`` has a ``reason``.

    ``seeds_reason`` says how seeds were lost, ``title`` whether the run was quick or the dataset a fallback.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for table in tables:
        about = (table.run, table.suite, table.dataset, table.group)
        for row in table.rows:
            lost = table.footnotes[row.seeds_mark - 1] if row.seeds_mark else ""
            for column, cell in zip(table.columns, row.cells, strict=True):
                texts = (*about, row.name, row.kind, row.seeds, column.metric, column.unit, column.better)
                guess = cell.estimate
                numbers = (guess.median, guess.low, guess.high, guess.n, guess.over) if guess else ("",) * 5
                why = (text(cell.reason), cell.rank or "", text(lost), text(table.title))
                writer.writerow((*map(text, texts), *numbers, *why))
    return out.getvalue()
