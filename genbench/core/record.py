"""The record: one measured number with all that is needed to judge it. One JSON object a line."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum

from genbench.core.errors import RecordError

SCHEMA = 1

EXPECTED = "expected"
"""The control row that is computed, not sampled: what a perfect model would score at these sizes."""

REAL = "real"

SAMPLED = (REAL, "memorized", "collapsed", "gaussian", "noise")
"""Control rows of samples that no model made: what a metric says of the best and of known failures."""

UNTRAINED = "untrained"
"""The suite's first model with its networks as they are before training."""

ORACLES = ("oracle", "oracle-pair", "oracle-rotated", "oracle-drop", "oracle-constant")
"""Perfect generators of data whose factors are known, and four that are defective on purpose."""

REPRESENTATIONS = ("pixels", "pca")
"""Representations of examples that nobody had to learn."""

EXPLAINERS = ("integrated-gradients", "kernel-shap", "lime", "ablation", "saliency", "random-map")
"""Methods of attribution, put to a test whose answer is known."""

ANCHORS = (*ORACLES, UNTRAINED, *REPRESENTATIONS, *EXPLAINERS)
"""Control rows of what is more than samples: each stands only in tables of measures that ask for it."""

OF_SAMPLES = (EXPECTED, *SAMPLED)
"""Control rows that every measure of samples has."""

CONTROLS = (*OF_SAMPLES, *ANCHORS)
"""All control rows, in the order of the tables."""

OUTCOME = "trial.steps"
"""The metric of the last record of a trial: how far training came, and how it ended."""


MODE_SHARE = "mode_share."
"""Begins the metrics that say how samples spread over single modes, ``mode_share.0`` and on: a picture, not a
column, so that no table and no comparison has them."""


def group_of(metric: str) -> str:
    """The part of a metric's name before the dot: what measured it, and whose table it stands in."""
    return metric.split(".", 1)[0]


class Better(StrEnum):
    """Which way a metric is good. ``neither`` is never ranked or gated."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Status(StrEnum):
    """How a trial, or one number of it, ended."""

    DONE = "DONE"
    FAILED = "FAILED"
    DIVERGED = "DIVERGED"
    TIMEOUT = "TIMEOUT"
    SKIPPED = "SKIPPED"
    INTERRUPTED = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Column:
    """What a metric's number means: its name, unit, direction, version and range.

    The same for a number of a metric function (``frechet_distance``) and for a column of a measure
    (``quality.fid``), which takes all but name and meaning from the function behind it. How it is headed in
    tables and plots is decided in one place, ``genbench.report.headings``.

    Attributes:
        metric: its name; dotted for a measure's.
        unit: empty for pure numbers.
        better: direction.
        version: goes up whenever the same input gives another number.
        meaning: one line for people.
        low, high: ends of its range, both included; ``None`` where there is no bound.
    """

    metric: str
    unit: str
    better: Better
    version: str = "1"
    meaning: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of ``records.jsonl``.

    Attributes:
        run: name of the run's directory.
        suite: name of the suite.
        trial: id of the trial, or of the cohort where the number belongs to all its lanes.
        model: the model's label in the suite, or the name of a control row.
        dataset: the dataset that was really used (after a fallback).
        seed: training seed; ``None`` where the number belongs to the whole cohort.
        step: training steps behind the number.
        metric: dotted name, ``quality.fid``.
        value: the number; ``None`` where there is none, and then ``status`` and ``reason`` say why.
        error: half-width of the 95 % interval of this one number (not over seeds); ``None`` if unknown.
        unit: unit of ``value``, empty for pure numbers.
        better: direction.
        n: samples (or timed blocks) behind the value.
        lanes: lanes trained together.
        status: how it ended.
        reason: one sentence where ``value`` is ``None``, or where a value has a cause to be told
            (``stability.failed``); else empty.
        versions: of the metric, the model, the features and the data (content hashes).
        protocol: what else must be equal for two numbers to be compared: sizes, split, precision, quick.
        env: id of the environment, written in full to ``environment.json``.
        code: genbench's own version and commit.
        at: UTC time of writing, ISO 8601.
    """

    run: str
    suite: str
    trial: str
    model: str
    dataset: str
    seed: int | None
    step: int
    metric: str
    value: float | None
    error: float | None
    unit: str
    better: Better
    n: int
    lanes: int
    status: Status
    reason: str
    versions: Mapping[str, str] = field(default_factory=dict)
    protocol: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    env: str
    code: str
    at: str
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        for name in ("value", "error"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise RecordError(
                    f"record {self.metric} of {self.model} has {name} {number}: a number that is not finite "
                    "is written as null with a status and a reason."
                )
        if self.value is None and not self.reason:
            raise RecordError(f"record {self.metric} of {self.model} has neither a value nor a reason.")

    def to_json(self) -> str:
        """One line of JSON, without the line end.

        Raises:
            RecordError: a field is of a wrong type, so that nobody could read it again.
        """
        content = asdict(self)
        _check_types(content)
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Record:
        """Read one line.

        Raises:
            RecordError: not JSON, another schema, a missing or unknown field, a wrong type.
        """
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RecordError(f"not a record: {error}") from error
        if not isinstance(content, dict):
            raise RecordError("not a record: expected a JSON object")
        if type(content.get("schema")) is not int or content["schema"] != SCHEMA:
            raise RecordError(
                f"a record of schema {_short(content.get('schema'))}; this genbench reads schema {SCHEMA}. "
                "Read it with the genbench that wrote it, or run the suite again."
            )
        names = {f.name for f in fields(cls)}
        if content.keys() != names:
            missing, unknown = sorted(names - content.keys()), sorted(content.keys() - names)
            raise RecordError(f"not a record: missing fields {missing}, unknown fields {_short(unknown)}")
        _check_types(content)
        content["better"] = Better(content["better"])
        content["status"] = Status(content["status"])
        return cls(**content)


def _short(thing: object) -> str:
    """What a stranger wrote, in a message."""
    text = repr(thing)
    return f"{text[:80]}..." if len(text) > 80 else text


_LARGEST = sys.float_info.max
_LARGEST_WHOLE = 2**63 - 1  # what a column of a table can hold
_TEXT = (
    "run",
    "suite",
    "trial",
    "model",
    "dataset",
    "metric",
    "unit",
    "better",
    "status",
    "reason",
    "env",
    "code",
    "at",
)


def _check_types(content: dict[str, object]) -> None:
    def require(name: str, good: bool, wanted: str) -> None:
        if not good:
            raise RecordError(f"not a record: {name} is {_short(content[name])}, expected {wanted}")

    for name in _TEXT:
        require(name, isinstance(content[name], str), "text")
    for name in ("step", "n", "lanes"):
        require(name, _is_whole(content[name]), "a whole number")
    require("seed", content["seed"] is None or _is_whole(content["seed"]), "a whole number or null")
    for name in ("value", "error"):
        require(name, content[name] is None or _is_number(content[name]), "a finite number or null")
    for name, good in (("versions", _is_text), ("protocol", _is_plain)):
        mapping = content[name]
        require(
            name, isinstance(mapping, dict) and all(map(good, mapping.values())), "an object of plain values"
        )
    require("better", content["better"] in list(Better), f"one of {[str(b) for b in Better]}")
    require("status", content["status"] in list(Status), f"one of {[str(s) for s in Status]}")


def _is_number(thing: object) -> bool:
    # JSON knows whole numbers that no float can hold, and Python's reader takes NaN and Infinity.
    return type(thing) in (int, float) and -_LARGEST <= thing <= _LARGEST  # type: ignore[operator]


def _is_whole(thing: object) -> bool:
    return type(thing) is int and -_LARGEST_WHOLE <= thing <= _LARGEST_WHOLE


def _is_text(thing: object) -> bool:
    return isinstance(thing, str)


def _is_plain(thing: object) -> bool:
    return isinstance(thing, str | bool) or _is_number(thing)
