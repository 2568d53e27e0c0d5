"""What the rows of a comparison are called, in tables, sentences and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genbench.analyse.row import FAILED_SHARE, Row
from genbench.core.record import group_of
from genbench.report.headings import GROUPS, label_of
from genbench.report.untrusted import clean

WHOLE_MODEL = "the whole model"
FAILED_SEEDS = "failed seeds"
TRAINING = "how training ended"


def label_of_row(row: Row) -> str:
    """The heading of a row: that of its metric, or what it compares in place of one."""
    if row.metric == FAILED_SHARE:
        return FAILED_SEEDS
    return label_of(row.metric) if row.metric else WHOLE_MODEL


def group_title(group: str) -> str:
    """What a group is headed by; nothing for rows that are about a model as a whole."""
    return TRAINING if group == group_of(FAILED_SHARE) else GROUPS.get(group) or clean(group)


def groups_in_order(rows: Iterable[Row]) -> list[str]:
    """Groups of these rows: the model as a whole, how training ended, then as in the tables of a run."""
    found = dict.fromkeys(group_of(row.metric) for row in rows)
    order = ["", group_of(FAILED_SHARE), *GROUPS]
    return [*(g for g in order if g in found), *(g for g in found if g not in order)]


def labels_apart(rows: Sequence[Row], among: Sequence[Row]) -> list[str]:
    """Labels of rows; with their units, or else as dotted names, where two metrics of ``among`` share one."""
    plain, with_unit = ({_name(row, unit=unit): set[str]() for row in among} for unit in (False, True))
    for row in among:
        plain[_name(row)].add(row.metric)
        with_unit[_name(row, unit=True)].add(row.metric)
    labels = []
    for row in rows:
        if len(plain[_name(row)]) == 1:
            labels.append(_name(row))
        elif len(with_unit[_name(row, unit=True)]) == 1:
            labels.append(_name(row, unit=True))
        else:
            labels.append(clean(row.metric))
    return list(dict.fromkeys(labels))


def _name(row: Row, *, unit: bool = False) -> str:
    return f"{label_of_row(row)} ({clean(row.unit)})" if unit else label_of_row(row)


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def with_seeds(name: str, seeds: str, between: str = ", ") -> str:
    """``vae, 6 seeds``: the heading of a side; the name alone where none has any."""
    return f"{name}{between}{seeds} seed{'s' * (seeds != '1')}" if seeds else name
