"""Records as a data frame, for plots, exports and users' own analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from genbench.core.record import Record

if TYPE_CHECKING:
    import pandas as pd

_DTYPES = {"seed": "Int64", "step": "int64", "n": "int64", "lanes": "int64", "schema": "int64"}
_DTYPES |= {"value": "float64", "error": "float64"}
_LARGEST = 2**63 - 1
_MAPPINGS = {"versions": "version", "protocol": "protocol"}


def to_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row a record, in the order given; records of several runs are told apart by ``run``.

    Columns are the fields of ``genbench.core.record.Record`` under their own names, with three changes:

    - ``versions`` becomes one column a key, ``version.metric``, ``version.data``, ...; a record that lacks
      the key has a missing value there;
    - ``protocol`` likewise becomes ``protocol.n_fake``, ``protocol.quick``, ...; a key that is a number in
      one record and text in another is text in all;
    - ``better`` and ``status`` are text.

    ``value`` and ``error`` are floats, NaN where the record has none (``reason`` then says why); ``seed`` is
    a nullable integer. The fixed columns are there, with these types, when there are no records too.
    """
    import pandas as pd

    columns: dict[str, pd.Series] = {}
    for name in (f.name for f in fields(Record)):
        if name in _MAPPINGS:
            keys = dict.fromkeys(key for record in records for key in getattr(record, name))
            for key in keys:
                cells = _of_one_kind([getattr(record, name).get(key) for record in records])
                columns[f"{_MAPPINGS[name]}.{key}"] = pd.Series(cells, dtype=_dtype_of(cells))
        else:
            cells = [getattr(record, name) for record in records]
            if name not in _DTYPES:
                cells = [str(cell) for cell in cells]
            columns[name] = pd.Series(cells, dtype=_DTYPES.get(name, "object"))
    return pd.DataFrame(columns)


def _of_one_kind(cells: Sequence[object]) -> list[object]:
    """The same cells, as text where no column could hold them as they are."""
    kinds = {type(cell) for cell in cells if cell is not None}
    large = any(type(cell) is int and not -_LARGEST <= cell <= _LARGEST for cell in cells)
    if not large and (len(kinds) < 2 or kinds == {int, float}):
        return list(cells)
    return [None if cell is None else str(cell) for cell in cells]


def _dtype_of(cells: Sequence[object]) -> str:
    """The type that all cells share, as its nullable kind, so that it survives Parquet."""
    kinds = {type(cell) for cell in cells if cell is not None}
    nullable: dict[type, str] = {bool: "boolean", int: "Int64", float: "Float64"}
    if kinds == {int, float}:
        return "Float64"
    return nullable.get(kinds.pop(), "object") if len(kinds) == 1 else "object"
