"""A comparison in JSON, for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from genbench.analyse.compare import Comparison
from genbench.analyse.effect import Shift
from genbench.analyse.gate import Judgement, Violation
from genbench.analyse.row import Row
from genbench.analyse.sides import Side
from genbench.core.record import group_of
from genbench.report.compared_side import statistics_of
from genbench.report.comparison import Compared
from genbench.report.comparison_words import label_of_row
from genbench.report.untrusted import clean, clean_all

SCHEMA = 1


def render_comparison_json(
    comparison: Comparison, compared: Compared, judgement: Judgement | None, lines: Sequence[str]
) -> str:
    """A comparison as one object; what there is not is ``null``.

    Infinite numbers are ``null`` too, and ``infinite`` beside them tells their signs by name:
    ``{"estimate": null, "low": 2.0, "high": null, "infinite": {"estimate": "+", "high": "+"}}``.

    Args:
        comparison: with all numbers.
        compared: the same, for its sentences.
        judgement: of gates, if there were any to be judged.
        lines: what is said of gates.
    """
    content = {
        "schema": SCHEMA,
        "base": list(map(clean, comparison.base)),
        "new": list(map(clean, comparison.new)),
        "suites": list(map(clean, comparison.suites)),
        "within": comparison.within,
        "alpha": comparison.alpha,
        "summary": compared.summary,
        "rows": [_row(row) for row in comparison.rows],
        "left_out": list(map(clean, comparison.left_out)),
        "unfinished": [_cleaned(asdict(one)) for one in comparison.unfinished],
        "notes": compared.notes,
        "gate": None if judgement is None else _gate(judgement, lines),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _row(row: Row) -> dict[str, object]:
    texts = {
        "dataset": row.dataset,
        "base_model": row.base_model,
        "new_model": row.new_model,
        "group": group_of(row.metric),
        "metric": row.metric,
        "label": label_of_row(row),
        "unit": row.unit,
        "better": row.better,
    }
    return {
        **_cleaned(texts),
        "base": _side(row.base),
        "new": _side(row.new),
        "difference": _shift(row.difference),
        "margin": row.margin,
        "p": row.p,
        "adjusted": row.adjusted,
        "improvement": row.improvement,
        "test": row.test,
        "verdict": row.verdict,
        "seeds": row.seeds,
        "gated": row.gated,
        "why": clean(row.why),
    }


def _side(side: Side | None) -> dict[str, object] | None:
    """Statistics over the seeds that have a number, and these numbers; ``n`` counts them."""
    if side is None:
        return None
    return {
        **{name: asdict(found) for name, found in statistics_of(side).items()},
        "n": len(side.measured) or len(side.values),
        "lost": sorted(side.lost),
        "values": {str(seed): value for seed, value in side.values.items()},
        "measured": [asdict(one) for one in side.measured],
        "reason": clean(side.reason),
    }


def _shift(shift: Shift | None) -> dict[str, object] | None:
    return None if shift is None else _finite(asdict(shift))


def _gate(judgement: Judgement, lines: Sequence[str]) -> dict[str, object]:
    return {
        "passed": judgement.passed,
        "rules": judgement.looked,
        "violations": list(map(_violation, judgement.violations)),
        "undecided": [_cleaned(asdict(one)) for one in judgement.undecided],
        "unsure": [
            {
                **_cleaned({"dataset": row.dataset, "model": row.new_model, "metric": row.metric}),
                "seeds": row.seeds,
            }
            for row in judgement.unsure
        ],
        "lines": list(lines),
    }


def _violation(one: Violation) -> dict[str, object]:
    """Which rule, whose, and by how much; the compared row is among the rows."""
    texts = {"kind": one.kind, "dataset": one.dataset, "model": one.model, "metric": one.metric}
    bounds = {"value": one.value, "bound": one.bound} if one.row is None else {"value": None, "bound": None}
    return {**_cleaned(texts), **_finite(bounds)}


def _cleaned(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: clean_all(value) for key, value in content.items()}


def _finite(numbers: Mapping[str, float | None]) -> dict[str, object]:
    """Numbers by name, infinite ones as ``null`` with their sign in ``infinite``."""
    beyond = {name: n for name, n in numbers.items() if n is not None and math.isinf(n)}
    signs = {name: "+" if n > 0 else "-" for name, n in beyond.items()}
    return {**{name: None if name in beyond else n for name, n in numbers.items()}, "infinite": signs}
