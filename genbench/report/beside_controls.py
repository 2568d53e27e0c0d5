"""Sentences on control rows: who is as good as real data, and which numbers are to be read with care."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from genbench.report.facts import Facts, listed

_BAD = {"collapsed": "one class only", "gaussian": "right in two moments only", "noise": ""}
"""Control rows that are known to be bad, and in which way."""


def beside_real(facts: Facts) -> Iterator[str]:
    """In which metrics models are as good as real data, and whether a bad control is so too."""
    known = [metric for metric in facts.columns if facts.estimate(metric, "real")]
    if not known or facts.quick:
        return
    reached: dict[str, list[str]] = {}
    for metric in known:
        good = [model for model in facts.models if facts.at_least(metric, model, "real")]
        if good:
            reached.setdefault(facts.all_or(good), []).append(metric)
    if not reached:
        where = facts.names(known) if len(known) == 1 else f"any of the {len(known)} metrics"
        yield f"By the median, no model is as good as real data in {where}."
        return
    told = "; ".join(f"{models} in {facts.names(metrics)}" for models, metrics in reached.items())
    others = sum(len(metrics) for metrics in reached.values()) < len(known)
    yield f"As good as real data or better, by the median: {told}" + (
        "; in the other metrics no model." if others else "."
    )
    fooled = {
        metric: bad
        for metrics in reached.values()
        for metric in metrics
        if (bad := [c for c in _BAD if facts.at_least(metric, c, "real")])
    }
    for bad, metrics in _grouped(fooled):
        yield f"But so {'is' if len(bad) == 1 else 'are'} {listed(bad)} in {facts.names(metrics)}."


def beside_bad_controls(facts: Facts) -> Iterator[str]:
    """Where a control that is known to be bad looks good, or a model no better than one."""
    if facts.quick:
        return
    told = []
    beaten: set[tuple[str, str]] = set()
    for control, what in _BAD.items():
        metrics = [metric for metric in facts.columns if facts.beats_all(metric, control)]
        beaten |= {(control, metric) for metric in metrics}
        if metrics:
            told.append(f"{control}{f' ({what})' * bool(what)} in {facts.names(metrics)}")
    if told:
        yield (
            f"By the median, controls that are known to be bad score better than every model: "
            f"{'; '.join(told)}. Such a metric does not see what is wrong with that control: judge by it "
            "together with the others."
        )
    for control in ("noise", "collapsed"):
        weak = {
            metric: mine
            for metric in facts.columns
            if (control, metric) not in beaten
            and (mine := tuple(m for m in facts.models if facts.at_least(metric, control, m)))
        }
        if weak:
            parts = (
                f"{facts.all_or(models)} in {facts.names(metrics)}" for models, metrics in _grouped(weak)
            )
            yield f"By the median no better than {control}: {'; '.join(parts)}."


def _grouped(by_metric: Mapping[str, Sequence[str]]) -> Iterator[tuple[list[str], list[str]]]:
    """Metrics of which the same rows are told, together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for metric, rows in by_metric.items():
        found.setdefault(tuple(rows), []).append(metric)
    return ((list(rows), metrics) for rows, metrics in found.items())
