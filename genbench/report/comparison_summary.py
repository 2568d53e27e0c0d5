"""A comparison in words: how many numbers of what became better, worse, or are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genbench.analyse.compare import Comparison
from genbench.analyse.row import FAILED_SHARE, Row, Verdict
from genbench.core.record import group_of
from genbench.report.comparison_words import group_title, groups_in_order, labels_apart, listed
from genbench.report.headings import rank_of
from genbench.report.untrusted import clean

_COST = ("throughput", "cost", "target")
_COST_TITLE = "throughput and cost"
_NAMES_MOST = 5  # more names than this are a table, not a sentence

_SAID = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.FAILED: "without a number any more",
    Verdict.FIXED: "with a number again",
    Verdict.SAME: "the same",
    Verdict.UNSURE: "unsure",
}
"""In the order in which they are told."""

_APART = {
    Verdict.NEW: "new",
    Verdict.GONE: "gone",
    Verdict.INCOMPARABLE: "not comparable",
}


def summary_of(comparison: Comparison) -> Iterator[str]:
    """One sentence for each dataset and model; models of which the same can be said share one."""
    subjects: dict[tuple[str, str, str], list[str]] = {}  # (dataset, base, what is said) -> models
    for dataset, base, new in dict.fromkeys((r.dataset, r.base_model, r.new_model) for r in comparison.rows):
        mine = [r for r in comparison.rows if (r.dataset, r.base_model, r.new_model) == (dataset, base, new)]
        against = f" against {clean(base)}" if comparison.within else ""
        subjects.setdefault((clean(dataset), against, _said(mine)), []).append(clean(new))
    for (dataset, against, said), models in subjects.items():
        yield f"On {dataset}, {listed(models)}{against}: {said}."


def _said(rows: Sequence[Row]) -> str:
    if not rows[0].metric:
        return f"{_APART[rows[0].verdict]} ({clean(rows[0].why)})"
    found = groups_in_order(rows)
    rows = sorted(rows, key=lambda row: (found.index(group_of(row.metric)), rank_of(row.metric)))
    kinds = [
        [group for group in found if group == group_of(FAILED_SHARE)],
        [group for group in found if group not in (group_of(FAILED_SHARE), *_COST)],
        [group for group in found if group in _COST],
    ]
    parts = [_of_kind([r for r in rows if group_of(r.metric) in kind], kind, rows) for kind in kinds]
    decided = [row for row in rows if row.verdict in _SAID]
    if decided and all(row.verdict is not Verdict.UNSURE for row in decided):
        parts.append("nothing is unsure")
    parts += [
        f"{_count(apart)} {word}"
        for verdict, word in _APART.items()
        if (apart := [row for row in rows if row.verdict is verdict])
    ]
    return "; ".join(filter(None, parts))


def _of_kind(rows: Sequence[Row], groups: Sequence[str], among: Sequence[Row]) -> str:
    """Of quality, or of cost: ``better in 7 of 9 numbers of sample quality, the same in 2 (KL, recall)``."""
    decided = [row for row in rows if row.verdict in _SAID]
    parts: list[str] = []
    for verdict, word in _SAID.items():
        mine = [row for row in decided if row.verdict is verdict]
        if not mine:
            continue
        names = listed(labels_apart(mine, among))
        if len(decided) == 1:
            return f"{word} in {names} ({group_title(group_of(mine[0].metric))})"
        told = f" ({names})" if len(mine) < len(decided) and len(mine) <= _NAMES_MOST else ""
        if not parts:
            share = f"{len(mine)} of {len(decided)}"
            if len(mine) == len(decided):
                share = "both" if len(mine) == 2 else f"all {len(mine)}"
            parts.append(f"{word} in {share} numbers of {_titles(groups)}{told}")
        else:
            parts.append(f"{word} in {len(mine)}{told}")
    return ", ".join(parts)


def _titles(groups: Sequence[str]) -> str:
    return _COST_TITLE if groups[0] in _COST else listed([group_title(group) for group in groups])


def _count(rows: Sequence[Row]) -> str:
    return f"{len(rows)} number is" if len(rows) == 1 else f"{len(rows)} numbers are"
