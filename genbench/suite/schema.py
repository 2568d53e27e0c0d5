"""The schema of a suite file. Options of models and datasets are checked by these themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from genbench.core.errors import choose_from
from genbench.core.ids import PLAIN_NAME, is_plain_name
from genbench.core.record import CONTROLS
from genbench.suite.margin import ALPHA, Margin, parse_margin

QUICK_STEPS = 64
QUICK_SEEDS = 2
QUICK_SAMPLES = 500


_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}


def _plain_name(name: str) -> str:
    if not is_plain_name(name):
        raise ValueError(f"use {PLAIN_NAME}")
    if name.endswith(".") or name.partition(".")[0].upper() in _DEVICES:
        raise ValueError("Windows has no folder of that name: choose another")
    return name


Name = Annotated[str, AfterValidator(_plain_name)]
# Names that are looked up, and told with the nearest one that there is: of long ones that would take minutes.
Word = Annotated[str, Field(max_length=200)]
# The upper bounds are far above any sensible suite: a slip of the finger must not fill the memory.
Steps = Annotated[int, Field(gt=0, le=10**9)]
BatchSize = Annotated[int, Field(gt=0, le=2**16)]
Count = Annotated[int, Field(gt=0, le=1000)]
Samples = Annotated[int, Field(gt=0, le=10**7)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Strict(BaseModel):
    """Unknown keys are errors, nothing is coerced, nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Train(Strict):
    """``[train]``: the budget and how it is spent; the same for every model of the suite.

    Attributes:
        steps: in one step every player makes its updates.
        batch_size: images, or draws of noise, in one update.
        precision: arithmetic of the networks; ``auto`` takes bfloat16 where the hardware multiplies it.
        compile: ``auto`` compiles where the planned steps repay it.
        lanes: seeds trained as one program; ``auto`` is all of them.
        save_every: steps between checkpoints; 0 keeps only the last.
        evaluate_every: steps between evaluations on the way; 0 evaluates only at the end.
    """

    steps: Steps = 3000
    batch_size: BatchSize = 128
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: Literal["auto", "always", "never"] = "auto"
    lanes: Count | Literal["auto"] = "auto"
    save_every: Annotated[int, Field(ge=0)] = 0
    evaluate_every: Annotated[int, Field(ge=0)] = 0


class Target(Strict):
    """``[target]``: how good is good enough, so that what it takes to get there can be compared.

    Attributes:
        metric: dotted name of a number that is taken of every lane, ``quality.fid``.
        value: what it is to be at least as good as; below or above is decided by the metric's direction.
        stop: whether a cohort's training ends where all its finite lanes are there.
    """

    metric: Word
    value: Annotated[float, Field(allow_inf_nan=False)]
    stop: bool = False


class Gate(Strict):
    """``[[gate]]``: what ``genbench compare --gate`` does not let pass.

    Where several gates set the same rule for one number, the last does: general ones first, then exceptions.

    Attributes:
        metric: dotted name; ``None`` only where ``failures`` is all that is asked for.
        dataset, model: name and label; ``None`` means each of the suite.
        allow: how much worse it may become, surely: ``"5%"`` of both sides' mean size, or a number in the
            metric's unit. Where the gate has a metric and no bound, what usually counts as none: 5 %, or 10 %
            for times, rates and memory.
        at_most, at_least: what the median over seeds is to stay within, whatever the base.
        failures: largest share of seeds that may diverge, fail or run out of time, 0 to 1.
    """

    metric: Word | None = None
    dataset: Word | None = None
    model: Word | None = None
    allow: float | str | None = None
    at_most: Annotated[float, Field(allow_inf_nan=False)] | None = None
    at_least: Annotated[float, Field(allow_inf_nan=False)] | None = None
    failures: Annotated[float, Field(ge=0, le=1)] | None = None

    @field_validator("allow")
    @classmethod
    def _is_a_margin(cls, allow: float | str | None) -> float | str | None:
        if allow is not None:
            parse_margin(allow)
        return allow

    @model_validator(mode="after")
    def _has_a_rule(self) -> Gate:
        others = [name for name in ("allow", "at_most", "at_least") if getattr(self, name) is not None]
        if self.metric is None and others:
            raise ValueError(f"`{others[0]}` needs a `metric` to be said of")
        if self.metric is None and self.failures is None:
            raise ValueError("it looks at nothing: give it a `metric`, or `failures`")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("no number is within its bounds: `at_least` is above `at_most`")
        return self

    @property
    def compares(self) -> bool:
        """Whether it asks for a comparison with a base: unless bounds are all that it says of its metric."""
        bounded = self.at_most is not None or self.at_least is not None
        return self.metric is not None and (self.allow is not None or not bounded)

    @property
    def margin(self) -> Margin | None:
        """How much worse the metric may become; ``None`` means what usually is no difference."""
        return None if self.allow is None else parse_margin(self.allow)

    def covers(self, dataset: str, model: str) -> bool:
        """Whether it looks at this model on this dataset."""
        return self.dataset in (None, dataset) and self.model in (None, model)


class DatasetEntry(BaseModel):
    """``[[dataset]]``: a registered name, its own options, and what to use where it is not to be had."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: Word
    fallback: Word | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The dataset's own options, unchecked."""
        return dict(self.model_extra or {})

    @property
    def names(self) -> tuple[str, ...]:
        """What records may call it: its name, the label that some datasets take, or its fallback."""
        known = (self.options.get("label"), self.name, self.fallback)
        return tuple(name for name in known if isinstance(name, str))


class ModelEntry(BaseModel):
    """``[[model]]``: a registered name, the label of its row, and its own options."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: Word
    label: Name = "unnamed"

    @model_validator(mode="before")
    @classmethod
    def _label_is_the_name(cls, table: Any) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get("name"), str):
            return table
        return {"label": table["name"], **table}

    @field_validator("label")
    @classmethod
    def _not_a_control(cls, label: str) -> str:
        if label in CONTROLS:
            raise ValueError(f"{label!r} is the name of a control row; choose another label")
        return label

    @property
    def options(self) -> dict[str, Any]:
        """The model's own options, unchecked."""
        return dict(self.model_extra or {})


@dataclass(frozen=True, slots=True)
class Given:
    """What a command line changed of a suite file: ``--set``, ``--model``, ``--seeds`` and ``--quick``."""

    set_: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    seeds: int | None = None
    quick: bool = False


class Suite(Strict):
    """Which models, on which datasets, with which seeds, budget and measures.

    Attributes:
        name: folder of its results.
        question: what it is to answer, one sentence.
        seeds: how many (0, 1, 2, ...), or which.
        measures: which runners measure the trained models.
        samples: drawn from each trained model for the measures.
        train: the budget.
        target: how good is good enough; ``None`` asks for no such thing.
        gate: what a comparison with another run must not show.
        alpha: how often any of the gates together may raise a false alarm, between 0 and 1.
        dataset: at least one.
        model: at least one; labels differ.
        quick: whether this is the shortened suite of ``--quick``, whose numbers are never compared.
    """

    name: Name
    question: str = ""
    seeds: Count | Annotated[tuple[Seed, ...], Field(min_length=1, max_length=1000, strict=False)] = 5
    measures: Annotated[tuple[Word, ...], Field(min_length=1, strict=False)] = (
        "throughput",
        "modes",
        "quality",
    )
    samples: Samples = 10_000
    train: Train = Train()
    target: Target | None = None
    gate: Annotated[tuple[Gate, ...], Field(strict=False)] = ()
    alpha: Annotated[float, Field(gt=0, lt=1)] = ALPHA
    dataset: Annotated[tuple[DatasetEntry, ...], Field(min_length=1, strict=False)]
    model: Annotated[tuple[ModelEntry, ...], Field(min_length=1, strict=False)]
    quick: bool = False
    _source: str = PrivateAttr("")
    _given: Given = PrivateAttr(Given())

    @property
    def source(self) -> str:
        """The text of the suite file, kept beside the results; empty for a suite made in Python."""
        return self._source

    @property
    def given(self) -> Given:
        """What the command line changed of that text; only of a suite that has one."""
        return self._given

    def from_text(self, text: str, given: Given) -> Suite:
        """The same suite, with the text it was read from and what was changed of it."""
        self._source, self._given = text, given
        return self

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds themselves."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @field_validator("target")
    @classmethod
    def _looked_for(cls, target: Target | None, info: ValidationInfo) -> Target | None:
        train = info.data.get("train")  # absent where that table is wrong itself, which is told then
        if target and isinstance(train, Train) and not train.evaluate_every:
            raise ValueError(
                "whether it is reached is seen at evaluations only. Say how many steps lie between two: "
                "`evaluate_every = 500` in [train], or leave [target] out"
            )
        return target

    @model_validator(mode="after")
    def _no_two_alike(self) -> Suite:
        for what, names in (
            ("model labels", [m.label for m in self.model]),
            ("datasets", [d.model_dump_json() for d in self.dataset]),
            ("seeds", [str(seed) for seed in self.seed_list]),
            ("measures", list(self.measures)),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                remedy = " Give one of them another `label`." if what == "model labels" else ""
                raise ValueError(f"{what} appear twice: {', '.join(twice)}.{remedy}")
        return self

    @model_validator(mode="after")
    def _gates_know_their_names(self) -> Suite:
        labels = [model.label for model in self.model]
        names = [name for entry in self.dataset for name in entry.names]
        for number, gate in enumerate(self.gate):
            for key, name, valid in (("model", gate.model, labels), ("dataset", gate.dataset, names)):
                if name is not None and name not in valid:
                    choice = choose_from(f"{key} of this suite", name, dict.fromkeys(valid))
                    raise ValueError(f"gate[{number}].{key}: {choice}")
        return self

    def shortened(self, keep: Collection[str] = ()) -> Suite:
        """The suite that ``--quick`` runs: the same paths, few steps, seeds and samples; marked quick.

        Args:
            keep: keys that stay as they are, because they were asked for: ``seeds``, ``train.steps``, ...
        """
        train = {
            "steps": min(self.train.steps, QUICK_STEPS),
            "compile": "never",
            "save_every": min(self.train.save_every, QUICK_STEPS // 2),
            "evaluate_every": min(self.train.evaluate_every, QUICK_STEPS // 2),
        }
        short = {"seeds": self.seed_list[:QUICK_SEEDS], "samples": min(self.samples, QUICK_SAMPLES)}
        shorter_train = {key: value for key, value in train.items() if f"train.{key}" not in keep}
        return self.model_copy(
            update={
                **{key: value for key, value in short.items() if key not in keep},
                "train": self.train.model_copy(update=shorter_train),
                "quick": True,
            }
        )
