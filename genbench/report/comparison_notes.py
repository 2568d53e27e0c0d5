"""What stands below a comparison: how to read its rows, and what is not in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from genbench.analyse.compare import Comparison, Rules, family_of
from genbench.analyse.row import FAILED_SHARE, Row, Test, Verdict
from genbench.analyse.verdict import counts
from genbench.report.comparison_words import FAILED_SEEDS, labels_apart, listed
from genbench.report.headings import label_of
from genbench.report.powerless import Powerless, powerless
from genbench.report.untrusted import clean
from genbench.suite.margin import MEASURED, QUALITY, SHARE, Margin

_TESTS: dict[Test, str] = {
    "paired": "sign-flip test of pairs, a pair being the two trials of one seed",
    "unpaired": "Mann-Whitney test of independent seeds",
    "shares": "Fisher's exact test of shares",
}


def notes_of(comparison: Comparison, rules: Rules) -> Iterator[str]:
    """Only what applies to rows that are there."""
    rows = comparison.rows
    judged = [row for row in rows if row.difference is not None]
    if judged:
        yield from _columns(comparison, judged)
        yield from _tests(judged, comparison.alpha)
        yield _verdicts(comparison, judged, rules)
        yield from _powerless(comparison)
    if gated := [row for row in rows if row.gated and row.metric]:
        yield f"Gated: {listed(labels_apart(gated, rows))}."
    if any(side and side.lost for row in rows for side in (row.base, row.new)):
        shifts = [row.difference for row in judged if row.difference is not None]
        infinite = any(math.isinf(end or 0.0) for s in shifts for end in (s.estimate, s.low, s.high))
        yield (
            "5/6: one of six seeds was lost, because it diverged, failed, ran out of time or never reached "
            "the target. It has no part in the median of its side; for difference and p it is worse than "
            f"every number{' (∞)' * infinite}."
        )
    if comparison.left_out:
        names = ", ".join(map(label_of, comparison.left_out))
        yield f"Left out, because no direction of them is better: {names}."
    for one in comparison.other_steps:
        old, now = (" or ".join(f"{steps:,}" for steps in side) for side in (one.base, one.new))
        other = "the first model" if comparison.within else "the base"
        yield f"Not trained alike: {clean(one.model)} on {clean(one.dataset)} {now} steps, {other} {old}."
    if comparison.unfinished:
        yield f"Not counted: {unfinished(comparison)}."
    for which, runs in (("base", comparison.base), ("new", comparison.new)):
        if len(runs) > 1 and not (comparison.within and which == "new"):
            name = "" if comparison.within else f"{which}: "
            yield f"{name}{len(runs)} runs pooled, {', '.join(map(clean, runs))}."


def _columns(comparison: Comparison, rows: Sequence[Row]) -> Iterator[str]:
    seeded = [row for row in rows if row.test in ("paired", "unpaired") and row.base and row.base.values]
    taken = [row for row in rows if row.test == "measured"]
    minus = "second minus first" if comparison.within else "new minus base"
    if seeded:
        yield (
            "Each side: median over training seeds [95 % bootstrap interval]. Difference: Hodges-Lehmann's "
            f"shift, {minus} [its 95 % interval]; it is the median of all differences of seeds, not the "
            "difference of the two medians."
        )
    measured = [one for row in taken for side in (row.base, row.new) if side for one in side.measured]
    if any(one.error is not None for one in measured):
        yield (
            "±: half-width of the 95 % interval of one measurement of a whole cohort. Such rows have no "
            f"test; the interval of their difference ({minus}) is what these intervals leave open."
        )
    elif measured:
        yield f"What a whole cohort shares was measured once: no interval, no test. Difference: {minus}."
    if any(row.test == "unpaired" and row.base and row.base.measured for row in rows):
        yield "What whole cohorts share, measured in several runs, is treated like seeds."


def _tests(rows: Sequence[Row], alpha: float) -> Iterator[str]:
    tests = [name for test, name in _TESTS.items() if any(row.test == test for row in rows)]
    if not tests:
        return
    counted = [row for row in rows if counts(row, alpha)]
    gated = sum(row.gated for row in counted)
    others = Counter(family_of(row) for row in counted if not row.gated)
    sizes = [f"{gated} gated row{'s' * (gated != 1)}"] if gated else []
    if others:
        least, most = min(others.values()), max(others.values())
        number = f"{least} to {most}" if least < most else str(most)
        word = "other row" if gated else "row"
        sizes.append(f"{number} {word}{'s' * (most != 1)}{' of each model' * (len(others) > 1)}")
    over = f", corrected by Holm's method over {' and over '.join(sizes)}" if sizes else ""
    constant = any(row.p is not None and not counts(row, alpha) for row in rows)
    equal = " (rows that could not reach alpha do not count)" if constant and sizes else ""
    yield f"p: {'; '.join(tests)}{over}{equal}."


def _verdicts(comparison: Comparison, rows: Sequence[Row], rules: Rules) -> str:
    found = {row.verdict for row in rows}
    tested = any(row.p is not None for row in rows)
    measured = any(row.test == "measured" for row in rows)
    sure = [f"p at most {comparison.alpha:g}"] if tested else []
    sure += (
        ["the whole interval beyond it" + (" where there is no test" if tested else "")] if measured else []
    )
    told = [f"BETTER and WORSE: more than that, with {' or '.join(sure)}"]
    told += ["SAME: the whole interval within it"]
    if Verdict.UNSURE in found:
        unsure = "UNSURE: neither"
        if any(row.seeds for row in rows):
            unsure += "; ≈ so many seeds a side would settle it in four of five experiments"
        told.append(unsure)
    return f"A difference up to {_margins(rows, rules)} counts as none. {'. '.join(told)}."


def _powerless(comparison: Comparison) -> Iterator[str]:
    """What no seeds could have shown, so that UNSURE is not taken for an absence of differences."""
    families: dict[tuple[str, ...], list[Row]] = {}
    for row in comparison.rows:
        families.setdefault(family_of(row), []).append(row)
    told: set[Powerless] = set()
    for family in families.values():
        gated = family[0].gated
        for blunt in powerless(family, comparison.alpha):
            if blunt in told:
                continue  # of another model, with as many rows and seeds
            told.add(blunt)
            them = "gated rows" if gated else "rows of a model" if len(families) > 1 else "rows"
            over = f"{blunt.family} rows need" if blunt.family > 1 else "one row needs"
            fewer = "gate fewer numbers" if gated else "ask for fewer rows (--metrics)"
            yield (
                f"TOO FEW SEEDS: {blunt.rows} of {blunt.of} {them} could not be BETTER or WORSE whatever "
                f"their numbers: with {blunt.seeds} no p is below {blunt.least:.2g}, and {over} "
                f"{blunt.bar:.2g}. Train {blunt.needed} seeds a side, or {fewer}."
            )


def _margins(rows: Sequence[Row], rules: Rules) -> str:
    """The margin of most rows; in brackets those of other kinds, and of rows with one of their own."""
    kinds = {
        "": [row for row in rows if row.test != "shares" and not (row.base and row.base.measured)],
        "measurements of whole cohorts": [row for row in rows if row.base and row.base.measured],
        FAILED_SEEDS: [row for row in rows if row.test == "shares"],
    }
    told: list[str] = []
    for kind, mine in kinds.items():
        margins = [_margin(row, rules) for row in mine]
        if not margins:
            continue
        most = max(margins, key=margins.count)
        size = f"{most} of both sides' mean size" if most.relative and not told else str(most)
        told.append(size if not told else f"{size} for {kind}")
        own: dict[str, list[Row]] = {}
        for row, margin in zip(mine, margins, strict=True):
            if margin != most:
                text = str(margin) if margin.relative else f"{margin} {clean(row.unit)}".rstrip()
                own.setdefault(text, []).append(row)
        told += [f"{margin} for {listed(labels_apart(few, rows))}" for margin, few in own.items()]
    return told[0] + (f" ({', '.join(told[1:])})" if told[1:] else "")


def _margin(row: Row, rules: Rules) -> Margin:
    asked = rules(row.dataset, row.new_model, row.metric).margin
    if asked is not None:
        return asked
    if row.base is not None and row.base.measured:
        return MEASURED
    return SHARE if row.metric == FAILED_SHARE else QUALITY


def unfinished(comparison: Comparison) -> str:
    """Seeds that have not come to an end: ``seeds 3, 4 of vae on digits (new) are not finished``."""
    told = [
        f"seed{'s' * (len(one.seeds) > 1)} {', '.join(map(str, one.seeds))} of {clean(one.model)} on "
        f"{clean(one.dataset)} ({one.side})"
        for one in comparison.unfinished
    ]
    one_seed = sum(len(one.seeds) for one in comparison.unfinished) == 1
    return f"{listed(told)} {'is' if one_seed else 'are'} not finished"
