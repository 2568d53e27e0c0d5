"""From a suite to its trials: every model on every dataset with every seed, grouped into cohorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from genbench.core.errors import SuiteError
from genbench.core.ids import content_hash
from genbench.core.registry import models
from genbench.suite.options import build
from genbench.suite.schema import Suite


@dataclass(frozen=True)
class ModelSpec:
    """A model with all its options decided."""

    label: str
    name: str
    version: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class DataSpec:
    """A dataset by name and content."""

    name: str
    hash: str


@dataclass(frozen=True)
class Until:
    """What decides where training ends before its last step: the suite's ``[target]`` with ``stop``.

    ``seeds`` are those of the planned cohort: it ends where all of them are there.
    """

    metric: str
    value: float
    evaluate_every: int
    samples: int
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Budget:
    """What of the training settings decides numbers; ``until`` is ``None`` where all steps are trained."""

    steps: int
    batch_size: int
    precision: str
    until: Until | None = None


@dataclass(frozen=True)
class Trial:
    """One model on one dataset with one seed."""

    model: ModelSpec
    data: DataSpec
    budget: Budget
    seed: int

    @cached_property
    def id(self) -> str:
        """Hash of everything that decides the numbers; not of the label or the device.

        Nor of the lanes, but where they decide at which step training ends (``Until``).
        """
        return content_hash({**_decisive(self), "seed": self.seed})


@dataclass(frozen=True)
class Cohort:
    """Trials that differ only in their seed, trained as one."""

    trials: tuple[Trial, ...]

    @property
    def model(self) -> ModelSpec:
        """The model they share."""
        return self.trials[0].model

    @property
    def data(self) -> DataSpec:
        """The dataset they share."""
        return self.trials[0].data

    @property
    def seeds(self) -> tuple[int, ...]:
        """One a lane."""
        return tuple(trial.seed for trial in self.trials)

    @property
    def title(self) -> str:
        """What it is called while it is worked on."""
        seeds = len(self.trials)
        return f"{self.model.label} on {self.data.name}, {seeds} seed{'s' * (seeds > 1)}"

    @cached_property
    def id(self) -> str:
        """Hash of everything that decides the numbers; parts of a divided cohort differ by their seeds."""
        return content_hash({**_decisive(self.trials[0]), "seeds": self.seeds})


def model_specs(suite: Suite) -> list[ModelSpec]:
    """Every model of the suite with all its options decided.

    Raises:
        SuiteError: an option of a model is wrong, or two models are one; the message has the key path.
    """
    specs: dict[str, ModelSpec] = {}
    for number, entry in enumerate(suite.model):
        kind = models.get(entry.name)
        _, options = build(kind, entry.options, f"model[{number}]")
        spec = ModelSpec(entry.label, entry.name, str(vars(kind).get("version", "1")), options)
        identity = content_hash({"name": spec.name, "options": options})
        if identity in specs:
            raise SuiteError(
                f"model[{number}]: {entry.label} is the same model with the same options as "
                f"{specs[identity].label}. Leave one of them out."
            )
        specs[identity] = spec
    return list(specs.values())


def make_plan(suite: Suite, data: Mapping[DataSpec, str]) -> list[Cohort]:
    """Check every model's options and list the cohorts, dataset by dataset, in the suite's order.

    Args:
        suite: what is asked for.
        data: the datasets that are really used, in the suite's order, each with the precision of the training
            arithmetic on it.

    Raises:
        SuiteError: as ``model_specs``.
    """
    specs = model_specs(suite)
    size = suite.train.lanes if isinstance(suite.train.lanes, int) else len(suite.seed_list)
    parts = [suite.seed_list[start : start + size] for start in range(0, len(suite.seed_list), size)]
    return [
        Cohort(tuple(Trial(spec, dataset, _budget(suite, precision, seeds), seed) for seed in seeds))
        for dataset, precision in data.items()
        for spec in specs
        for seeds in parts
    ]


def _budget(suite: Suite, precision: str, seeds: Sequence[int]) -> Budget:
    train, target = suite.train, suite.target
    until = None
    if target and target.stop:
        until = Until(target.metric, target.value, train.evaluate_every, suite.samples, tuple(sorted(seeds)))
    return Budget(train.steps, train.batch_size, precision, until)


def _decisive(trial: Trial) -> dict[str, Any]:
    until = trial.budget.until
    return {
        "model": {"name": trial.model.name, "version": trial.model.version, "options": trial.model.options},
        "data": {"name": trial.data.name, "hash": trial.data.hash},
        "steps": trial.budget.steps,
        "batch_size": trial.budget.batch_size,
        "precision": trial.budget.precision,
        # looking at a trial does not change it, so only an early end is part of what it is
        **({"until": asdict(until)} if until else {}),
    }
