"""The numbers behind figures, tidy: a row a mark, in the records' units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from genbench.analyse.summary import Metric, Row
from genbench.report.figures.plot import Scope
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    import pandas as pd

ESTIMATES = (
    *("model", "control", "metric", "unit", "better"),
    *("mark", "seed", "value", "low", "high", "n", "over"),
)
"""Columns of what is drawn as medians and seeds. ``mark`` is ``median``, with the interval from ``low`` to
``high`` over ``n`` values (or of one ``measurement``: ``over``), or ``seed``."""


def frame_of(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows with these columns; whole numbers stay whole where some are missing."""
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=list(columns))
    whole = [name for name in ("seed", "n", "seeds", "lost") if name in columns]
    return frame.astype(dict.fromkeys(whole, "Int64"))


@lru_cache(maxsize=1024)
def text(name: str) -> str:
    """A name in a frame, harmless in a terminal; ``csv_of_frame`` makes it so in a spreadsheet."""
    return clean(name)


def about(model: str, control: bool, metric: Metric) -> dict[str, object]:
    """The columns that say what a row is of."""
    return {
        "model": text(model), "control": control, "metric": text(metric.name), "unit": text(metric.unit),
        "better": str(metric.better),
    }  # fmt: skip


def estimates(
    scope: Scope, metrics: Sequence[Metric], rows: Sequence[Row], *, seeds: bool = True
) -> Iterator[Mapping[str, object]]:
    """A row for the median of each of these rows and metrics, and one for each of its seeds."""
    for metric in metrics:
        for row in rows:
            guess = row.cells[metric.name].estimate
            head = about(row.model, row.control, metric)
            if guess:
                yield head | {
                    "mark": "median", "value": guess.median, "low": guess.low, "high": guess.high,
                    "n": guess.n, "over": guess.over,
                }  # fmt: skip
            if seeds:
                for seed, value in sorted(scope.seeds.get((row.model, metric.name), {}).items()):
                    yield head | {"mark": "seed", "seed": seed, "value": value}
