"""Interpretability: what the latents of a generator control, what can be inferred, and how smoothly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from genbench.core.record import ORACLES, REAL, UNTRAINED, Column
from genbench.core.registry import measures
from genbench.measures import factor_columns, faithfulness_columns, geometry_columns, inference_columns
from genbench.measures.collapse_gate import collapse
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.factor_columns import CLASS_ENTROPY, COVERAGE, RESIDUAL
from genbench.measures.generator import Generator
from genbench.measures.made import made
from genbench.measures.oracles import oracle
from genbench.measures.stamp import data_hash

_SAMPLES = 5000
_BEYOND_FACTORS = 3  # latents of an oracle where there is no model to be as large as
_NOT_INFERRED = "Taken of the first draw of the row 'oracle' only: rendering makes it slow."


@measures.register("interpretability")
@dataclass(frozen=True)
class Interpretability:
    """A generator as a function of its latent, and a score as a function of the image.

    GAN and VAE are compared as decoders of a prior and by tools that are trained alike for all: a factor
    reader, an extractor, a post-hoc encoder. A collapsed generator is smooth, simple and explained by any
    latent, so that of one only coverage, class entropy, residual and attributions are given.
    """

    columns: ClassVar[tuple[Column, ...]] = (
        *factor_columns.COLUMNS,
        *inference_columns.COLUMNS,
        *geometry_columns.COLUMNS,
        *faithfulness_columns.COLUMNS,
    )
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = False
    of_lanes: ClassVar[bool] = True
    anchors: ClassVar[tuple[str, ...]] = (REAL, *ORACLES, UNTRAINED)

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """A reading a column; one that cannot be taken says why."""
        yield from _readings(evidence, collapse(evidence))

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        """Readings of an oracle, where the data has factors, of the untrained model or of real images.

        Of real images there is what samples alone tell.

        An oracle has the latent of the suite's first model, since most of these numbers depend on its size.
        What its code tells of factors is taken of the first draw of ``oracle`` only: tens of thousands of
        images have to be rendered. What is inferred of the untrained model, though it is collapsed, is their
        baseline, which is not 0.
        """
        if name == REAL:
            drawn = min(_SAMPLES, len(reference.dataset.train_examples))
            real = Evidence(reference, control_samples(REAL, reference.dataset, drawn, seed).samples)
            known = (COVERAGE, CLASS_ENTROPY, RESIDUAL)
            yield from (r for r in factor_columns.readings(real) if r.column in known)
            return
        if (generator := self._anchored(name, reference, seed)) is None:
            return
        samples, _ = made(generator, generator.draw(_SAMPLES, "interpretability", "samples"))
        once = name == UNTRAINED or (name == ORACLES[0] and seed == 0)
        yield from _readings(Evidence(reference, samples, generator=generator), "" if once else _NOT_INFERRED)

    def _anchored(self, name: str, reference: Reference, seed: int) -> Generator | None:
        if name == UNTRAINED:
            return reference.untrained[seed] if seed < len(reference.untrained) else None
        factors = reference.dataset.factors
        if factors is None:
            return None
        latent = len(factors.names) + _BEYOND_FACTORS
        if reference.untrained:
            latent = max(reference.untrained[0].latent, len(factors.names) + 1)
        return oracle(name, reference.dataset, latent, seed, reference.device)


def _readings(evidence: Evidence, not_inferred: str) -> Iterator[Reading]:
    """A reading a column; of inference dashes where there is a reason."""
    yield from factor_columns.readings(evidence)
    if not_inferred:
        yield from _dashes(evidence.reference, inference_columns.COLUMNS, not_inferred)
    else:
        yield from inference_columns.readings(evidence)
    yield from geometry_columns.readings(evidence)
    yield from faithfulness_columns.readings(evidence)


def _dashes(reference: Reference, columns: tuple[Column, ...], reason: str) -> Iterator[Reading]:
    for column in columns:
        versions = {"metric": column.version, "data": data_hash(reference.dataset)}
        yield Reading(column, None, reason=reason, versions=versions)
