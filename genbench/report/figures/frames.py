"""The numbers behind figures, a row a mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genbench.analyse.summary import Summary

if TYPE_CHECKING:
    import pandas as pd


def estimates_frame(summary: Summary, metrics: Sequence[str]) -> pd.DataFrame:
    """A row for each model or control and metric that has an estimate."""
    import pandas as pd

    known = {metric.name: metric for metric in summary.metrics}
    rows = []
    for name in metrics:
        if (metric := known.get(name)) is None:
            continue
        for row in summary.rows:
            if guess := row.cells[name].estimate:
                rows.append(
                    {
                        "model": row.model,
                        "control": row.control,
                        "metric": name,
                        "unit": metric.unit,
                        "better": str(metric.better),
                        "median": guess.median,
                        "low": guess.low,
                        "high": guess.high,
                        "n": guess.n,
                        "over": guess.over,
                    }
                )
    return pd.DataFrame(rows)
