"""All records in one long table, a row a record, for other programs: CSV, JSON, Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from genbench.core.errors import OutputError
from genbench.core.record import Record
from genbench.report.csv_of_frame import csv_of_frame
from genbench.report.untrusted import clean
from genbench.store.frame import to_frame

if TYPE_CHECKING:
    import pandas as pd

_TEXTS = (
    *("run", "suite", "trial", "model", "dataset", "metric", "unit", "reason"),
    *("env", "code", "at"),
)


def frame_csv(records: Sequence[Record]) -> str:
    """Records as CSV: what is missing is an empty cell, numbers have all their digits.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, as in tables.
    """
    return csv_of_frame(_frame(records))


def frame_json(records: Sequence[Record]) -> str:
    """Records as a JSON list, an object a line with the same keys in all; what is missing is ``null``."""
    frame = _frame(records)
    columns = [
        [None if missing else cell for cell, missing in zip(column.tolist(), column.isna(), strict=True)]
        for _, column in frame.items()
    ]
    names = list(frame.columns)
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def frame_parquet(records: Sequence[Record]) -> bytes:
    """Records as a Parquet file, with types.

    Raises:
        OutputError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise OutputError(
            "Parquet files are written by pyarrow, which is not installed: "
            "pip install 'genbench[parquet]'. Or choose --format csv."
        ) from error
    out = io.BytesIO()
    _frame(records).to_parquet(out, engine="pyarrow", index=False)
    return out.getvalue()


def _frame(records: Sequence[Record]) -> pd.DataFrame:
    """The frame of these records, without what names could do to a terminal or a file."""
    tidy = cache(clean)

    def harmless(record: Record) -> Record:
        texts = {name: tidy(getattr(record, name)) for name in _TEXTS}
        texts["reason"] = texts["reason"] or "?" * bool(record.reason)  # a record without a value needs one
        protocol = {tidy(k): tidy(v) if isinstance(v, str) else v for k, v in record.protocol.items()}
        versions = {tidy(key): tidy(version) for key, version in record.versions.items()}
        return replace(record, **texts, protocol=protocol, versions=versions)  # type: ignore[arg-type]

    return to_frame([harmless(record) for record in records])
