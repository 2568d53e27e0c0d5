"""Runs of genbench that give the records to compare: cheap models on the ring."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar
from unittest.mock import patch

from rich.console import Console

import genbench
from calibration.defects import Defect, planted
from genbench.core.record import CONTROLS, OUTCOME, Column, Record
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading
from genbench.measures.quality import FID, Quality
from genbench.runner import job, on_dataset
from genbench.runner.progress import Quiet
from genbench.suite.schema import Suite

MODELS = ("ns_gan", "vae")

DISTANCE = "calibration_distance"
"""The measure ``quality`` as far as its first number: the others take a hundred times as long as training."""


@measures.register(DISTANCE)
@dataclass(frozen=True)
class Distance:
    """The Fréchet distance of ``quality``, by its code and under its name."""

    columns: ClassVar[tuple[Column, ...]] = (FID,)
    per_cohort: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """One reading."""
        yield from islice(Quality()(evidence), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run of the calibration trains and measures.

    Attributes:
        steps, batch_size, lanes: as in ``[train]``.
        hidden: width of both layers of every network.
        samples: of each lane.
        measures: names.
        compiled: whether steps are compiled.
    """

    steps: int
    batch_size: int
    lanes: int
    hidden: int
    samples: int
    measures: tuple[str, ...]
    compiled: bool = True


def suite_of(seeds: Sequence[int], budget: Budget, defect: Defect) -> Suite:
    """The suite of one run: ``MODELS`` on the ring, with those defects that a suite can ask for."""
    layers = {"hidden": (budget.hidden, budget.hidden)}

    def adam(rate: float, beta: float) -> dict[str, Any]:
        return {"name": "adam", "lr": rate * defect.rates, "betas": (beta, 0.999)}

    gan = {
        "name": "ns_gan",
        "latent": 2,
        "generator": {**layers, "batch_norm": False},
        "discriminator": layers,
        "generator_optimizer": adam(3e-3, 0.5),
        "discriminator_optimizer": adam(3e-3, 0.5),
    }
    vae = {"name": "vae", "latent": 2, "encoder": layers, "decoder": layers, "optimizer": adam(3e-3, 0.9)}
    return Suite.model_validate(
        {
            "name": "calibration",
            "seeds": tuple(seeds),
            "measures": budget.measures,
            "samples": budget.samples,
            "train": {
                "steps": round(budget.steps * defect.steps),
                "batch_size": budget.batch_size,
                "lanes": budget.lanes,
                "compile": "always" if budget.compiled else "never",
            },
            "dataset": [{"name": "ring"}],
            "model": [gan, vae],
        }
    )


def records_of(
    seeds: Sequence[int], budget: Budget, defect: Defect, metrics: Collection[str]
) -> list[Record]:
    """Train and measure as ``genbench run`` does, and give the records of these metrics.

    The files of the run are thrown away, and pictures and tables are not made: a picture of every seed takes
    longer than training it.
    """
    quiet = Quiet(Console(quiet=True))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for picture in ("write_model_picture", "write_overview"):
            stack.enter_context(patch.object(on_dataset, picture))
        stack.enter_context(patch.object(job, "publish"))
        stack.enter_context(planted(defect))
        result = genbench.run(suite_of(seeds, budget, defect), device="cpu", out=folder, reporter=quiet)
        wanted = {*metrics, OUTCOME}
        return [r for r in result.records if r.metric in wanted and r.model not in CONTROLS]
