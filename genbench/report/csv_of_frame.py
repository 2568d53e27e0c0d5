"""A data frame as CSV, harmless to whatever opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genbench.report.untrusted import cell

if TYPE_CHECKING:
    import pandas as pd


def csv_of_frame(frame: pd.DataFrame, float_format: str | None = None) -> str:
    """CSV with headings and without the index; missing cells are empty.

    Texts and headings are cells as ``genbench.report.untrusted.cell`` makes them; numbers stay.

    Args:
        frame: what to write.
        float_format: as pandas takes it; by default all digits.
    """
    import pandas as pd

    defused = frame.copy()
    for place, (_, column) in enumerate(frame.items()):
        if not pd.api.types.is_numeric_dtype(column.dtype):  # truth values count as numbers
            texts = [cell(each) if isinstance(each, str) else each for each in column]
            defused.isetitem(place, texts)
    defused.columns = pd.Index([cell(str(name)) for name in frame.columns])
    return defused.to_csv(index=False, lineterminator="\n", float_format=float_format)
