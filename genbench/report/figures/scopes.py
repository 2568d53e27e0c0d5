"""From merged records to what figures draw: a scope for each dataset of each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genbench.analyse.merge import Merged
from genbench.analyse.standing import current
from genbench.analyse.summary import summarise
from genbench.core.record import Record
from genbench.report.figures.plot import Scope
from genbench.report.notes import QUICK, fallback_of, is_quick
from genbench.report.untrusted import clean


def scopes_of(merged: Merged) -> Iterator[Scope]:
    """Scopes in the order of the records."""
    for summary in summarise(merged.records):
        everything = [r for r in merged.records if (r.run, r.dataset) == (summary.run, summary.dataset)]
        records = current(everything)
        yield Scope(summary, records, everything, merged.trials, _where(summary.dataset, records))


def _where(dataset: str, records: Sequence[Record]) -> str:
    """The dataset as titles name it: whether it is a fallback, and whether the run was shortened."""
    wanted = fallback_of(records)
    remarks = [*([f"fallback for {wanted}"] if wanted else []), *([QUICK] if is_quick(records) else [])]
    return clean(dataset) + (f" ({'; '.join(remarks)})" if remarks else "")
