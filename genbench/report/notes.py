"""What stands below a table: the protocol behind its numbers, and how to read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median, quantiles

from genbench.analyse.effect import wilson
from genbench.analyse.estimates import MIN_SEEDS, Estimate, coverage_of_range
from genbench.analyse.sides import Side, sides
from genbench.analyse.standing import FAILED_TRAINING, TARGET
from genbench.core.record import EXPLAINERS, Record, Status
from genbench.report.headings import label_of
from genbench.report.numbers import MISSING, show
from genbench.report.untrusted import clean

QUICK = "QUICK RUN: not for comparison"

UNLIKE = "NOT COMPARABLE"
"""Begins the notes on numbers of one column that were not taken alike."""

SPREAD = "stability.score"
"""The metric whose spread over seeds is told below the table of stability."""

_MIN_FOR_NOMINAL = 6  # below, the bootstrap interval of a median is the range of the values
_INFORMATION = {"lanes", "steps"}  # may differ between the rows without making them incomparable
_CONTROLS = {
    "expected": "'expected' (computed) is what a perfect model scores on average at these sizes, were the "
    "two splits independent draws",
    "real": "'real' (real data scored as if generated) is what a perfect model scores on this data",
    "memorized": "'memorized' (training examples, replayed) is perfect and nothing new",
    "collapsed": "'collapsed' (one class only) is what mode collapse scores",
    "gaussian": "'gaussian' (the training examples' mean and covariance) is right in two moments only",
    "noise": "'noise' (uniform) is what an untrained model scores",
    "oracle": "'oracle' (the data's own renderer, a latent for each factor) is the best that can be seen",
    "oracle-pair": "'oracle-pair' has two of its factors mixed by a turn of 45 degrees",
    "oracle-rotated": "'oracle-rotated' has all factors mixed: the same images, and no latent is a factor",
    "oracle-drop": "'oracle-drop' never varies one of the factors",
    "oracle-constant": "'oracle-constant' makes one image only",
    "untrained": "'untrained' is the suite's first model before training: what is there without learning",
    "pixels": "'pixels' is the images as they are",
    "pca": "'pca' is their principal components",
    "random-map": "'random-map' explains nothing",
}


def is_quick(records: Iterable[Record]) -> bool:
    """Whether any of these numbers comes from a ``--quick`` run."""
    return any(record.protocol.get("quick") is True for record in records)


def fallback_of(records: Iterable[Record]) -> str:
    """The dataset that was asked for where another one had to do; empty if none was."""
    for record in records:
        if wanted := record.protocol.get("fallback_for"):
            return clean(str(wanted))
    return ""


def reading_notes(models: Iterable[Estimate | None], controls: Iterable[Estimate | None]) -> list[str]:
    """How to read the cells of a table that holds these estimates."""
    found = [estimate for estimate in models if estimate]
    beside = [estimate for estimate in controls if estimate]
    seeded = [estimate.n for estimate in found if estimate.over == "seeds"]
    drawn = sorted({estimate.n for estimate in beside if estimate.over == "seeds"})
    notes = []
    if any(n >= MIN_SEEDS for n in seeded):
        note = "Median over training seeds [95 % bootstrap interval over seeds]"
        fewest = min(n for n in seeded if n >= MIN_SEEDS)
        if fewest < _MIN_FOR_NOMINAL:
            note += (
                f"; with {fewest} seeds that is the lowest to the highest seed, which holds the true median "
                f"with a probability of {100 * coverage_of_range(fewest):.0f} %, not 95 %"
            )
        notes.append(f"{note}.")
    if any(n < MIN_SEEDS for n in seeded):
        notes.append(f"Fewer than {MIN_SEEDS} values: their median without an interval.")
    if any(estimate.over == "measurement" and estimate.low is not None for estimate in (*found, *beside)):
        notes.append("± is the half-width of the 95 % interval of one measurement, not over seeds.")
    if drawn:
        note = f"Control rows: the same over {', '.join(map(str, drawn))} draws in place of seeds"
        if any(e.low is not None and e.low == e.high for e in beside if e.over == "seeds"):
            note += "; an interval without width says that these draws scored alike, not that others would"
        notes.append(f"{note}.")
    return notes


def target_note(metrics: Iterable[str]) -> list[str]:
    """How seeds that never reached the target count, below a table of what it took."""
    if not any(metric.startswith(TARGET) for metric in metrics):
        return []
    note = (
        "A seed that never reached the target, or diverged before, counts as later than every seed that did: "
        f"{MISSING} where half of the seeds or more did not, and for the end of an interval among them."
    )
    return [note]


def spread_notes(records: Sequence[Record]) -> list[str]:
    """How far the seeds of each model are apart, and how many failed, below a table of stability."""
    if not any(record.metric == FAILED_TRAINING for record in records):
        return []
    about = (
        f"{label_of(FAILED_TRAINING)}: the share of seeds whose training failed or was lost [Wilson's 95 % "
        "interval]; all other columns have the median over the seeds that have a number."
    )
    notes = [about]
    for (_, model), found in sides(records).items():
        failed, score = found.metrics.get(FAILED_TRAINING), found.metrics.get(SPREAD)
        told = [*_spread(score, failed), *_failed_of(failed)]
        if told:
            notes.append(f"{clean(model)}: {'; '.join(told)}.")
    return notes


def _spread(score: Side | None, failed: Side | None) -> list[str]:
    """Median, range and relative spread; the median of the seeds that did not fail, where some did."""
    if score is None or not score.values:
        return []
    values = list(score.values.values())
    middle = median(values)
    shown = show(Estimate(middle, min(values), max(values), len(values)))
    told = f"{label_of(SPREAD)} {shown.value}, lowest to highest of {len(values)} seeds {shown.interval}"
    if len(values) < 2:
        return [f"{label_of(SPREAD)} {shown.value} of one seed"]
    if middle > 0:
        low, _, high = quantiles(values, n=4, method="inclusive")
        told += f", interquartile range {(high - low) / middle:.2g} of the median"
    good = [value for seed, value in score.values.items() if not (failed and failed.values.get(seed))]
    if 0 < len(good) < len(values):
        told += f", median of those that did not fail {show(Estimate(median(good), None, None, 1))}"
    return [told]


def _failed_of(failed: Side | None) -> list[str]:
    """What a number of failed seeds says of the rate of failure."""
    if failed is None or not failed.values:
        return []
    count, seeds = sum(map(bool, failed.values.values())), len(failed.values)
    low, high = wilson(count, seeds)
    if not count:
        return [f"0 of {seeds} failed, which a rate of failure of up to {100 * high:.0f} % allows"]
    return [f"{count} of {seeds} failed, which a rate of {100 * low:.0f} to {100 * high:.0f} % allows"]


def control_note(names: Sequence[str]) -> list[str]:
    """One line on what the control rows of a table say."""
    if not names:
        return []
    methods = [name for name in names if name in EXPLAINERS and name not in _CONTROLS]
    said = [_CONTROLS.get(name, f"'{clean(name)}' is a control") for name in names if name not in methods]
    notes = [f"Control rows, which no model made: {'; '.join(said)}."] if said else []
    if methods:
        notes.append(f"Rows are methods, all put to the same critics: {', '.join(methods)}.")
    return notes


def protocol_notes(records: Sequence[Record], controls: Sequence[str]) -> list[str]:
    """The protocol behind the numbers; a line of its own where numbers of one column do not share it."""
    seen: dict[str, dict[str, dict[str, list[str]]]] = {}  # key -> metric -> value -> models
    for record in records:
        if record.status is not Status.DONE:
            continue
        for key, value in _stamps(record, record.model in controls).items():
            models = seen.setdefault(key, {}).setdefault(record.metric, {}).setdefault(value, [])
            if record.model not in models:
                models.append(record.model)
    common, warnings = [], []
    metrics = list(dict.fromkeys(metric for by_metric in seen.values() for metric in by_metric))
    for key, by_metric in seen.items():
        values = list(dict.fromkeys(value for by_value in by_metric.values() for value in by_value))
        if len(values) == 1:
            of_some = _of_some(list(by_metric), [m for m in metrics if m not in by_metric])
            if key != "metric version":
                common.append(f"{key} {values[0]}{of_some}")
        elif key in _INFORMATION:
            common.append(f"{key} {_told_apart(_merged(by_metric.values()))}")
        else:
            mixed = {metric: by_value for metric, by_value in by_metric.items() if len(by_value) > 1}
            warnings += [
                f"{UNLIKE} within {label_of(metric)}: {key} {_told_apart(by_value)}."
                for metric, by_value in mixed.items()
            ]
            if not mixed and key != "metric version":
                by_label = {label_of(metric): next(iter(by_value)) for metric, by_value in by_metric.items()}
                common.append(f"{key} {_told_apart(_inverted(by_label))}")
    return [*warnings, *([f"Protocol: {', '.join(common)}."] if common else [])]


def _of_some(having: Sequence[str], lacking: Sequence[str]) -> str:
    """Which metrics a stamp belongs to, said by the shorter list; nothing where it belongs to all."""
    if not lacking:
        return ""
    if len(lacking) < len(having):
        return f" (not {', '.join(map(label_of, lacking))})"
    return f" ({', '.join(map(label_of, having))})"


def _stamps(record: Record, control: bool) -> dict[str, str]:
    """What must be equal, and what should be known, as readable pairs."""
    stamps = {clean(key).replace("_", " "): _plain(value) for key, value in record.protocol.items()}
    for key in ("quick", "fallback for"):
        stamps.pop(key, None)  # said in the title
    stamps |= {f"{clean(k)} version": clean(v) for k, v in record.versions.items() if k != "model"}
    if not control and record.step:  # else nothing was trained
        stamps |= {"lanes": str(record.lanes), "steps": str(record.step)}
    return stamps


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else clean(str(value))


def _merged(parts: Iterable[Mapping[str, list[str]]]) -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for part in parts:
        for value, names in part.items():
            known = merged.setdefault(value, [])
            known += [name for name in names if name not in known]
    return merged


def _inverted(pairs: Mapping[str, str]) -> dict[str, list[str]]:
    inverted: dict[str, list[str]] = {}
    for name, value in pairs.items():
        inverted.setdefault(value, []).append(name)
    return inverted


def _told_apart(names_by_value: Mapping[str, Sequence[str]]) -> str:
    told = (f"{value} ({', '.join(map(clean, names))})" for value, names in names_by_value.items())
    return ", ".join(told)
