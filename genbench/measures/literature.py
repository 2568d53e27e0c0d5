"""Literature: the usual scores of disentanglement, on codes inferred alike for every generator."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from genbench.core.ids import derive_seed
from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.data.dataset import Dataset, Factors
from genbench.measures.collapse_gate import collapse
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.generator import Generator
from genbench.measures.oracles import oracle
from genbench.measures.posthoc_encoder import SIGMA, STEPS, encoder_of
from genbench.measures.stamp import Protocol, finite_or_dash
from genbench.metrics.disentanglement import (
    Codes,
    Levels,
    dci,
    factor_vae_score,
    importances,
    mig,
    modularity,
    mutual_information,
    rotated,
    sap,
)


def _score(name: str, meaning: str, better: Better = Better.HIGHER) -> Column:
    return Column(f"literature.{name}", "", better, low=0.0, high=1.0, meaning=meaning)


MIG = _score("mig", "mutual information gap: one coordinate of the code knows a factor, no other does")
MIG_ROTATED = _score("mig_rotated", "the same of the code rotated at random: what luck gives", Better.NEITHER)
SAP = _score("sap", "separated predictability: the same gap in R² of one coordinate", Better.NEITHER)
D = _score("dci_d", "DCI disentanglement: a coordinate matters for one factor only")
D_ROTATED = _score("d_rotated", "the same of the code rotated at random: what luck gives", Better.NEITHER)
C = _score("dci_c", "DCI completeness: a factor needs one coordinate only", Better.NEITHER)
INFORMATIVENESS = Column(
    "literature.dci_i", "", Better.HIGHER, high=1.0, meaning="DCI informativeness: held-out R² of the factors"
)
FACTOR_VAE = _score(
    "factor_vae", "votes for the factor that was fixed, held out; chance is 1 / factors", Better.NEITHER
)
MODULARITY = _score("modularity", "a coordinate knows one factor only", Better.NEITHER)

_LEVELS = 10
_FITTED = 1000  # for the forests, and twice as many for scoring
_ROTATIONS = 5

_ONE = "A latent of one number has no axes to compare."


@measures.register("literature")
@dataclass(frozen=True)
class Literature:
    """MIG, SAP, DCI, FactorVAE score and modularity of the post-hoc encoder's means on real test images.

    Factors are the continuous ones, in 10 levels of equal width; the class varies beside them, as a factor
    that is not scored. The codes are not the model's own, whether it has an encoder or not: papers that score
    a VAE by its own encoder have other numbers. An isotropic prior has no axes of its own, so a score means
    something where it is above that of the rotated code: those that stand beside it have a direction, the
    others are to be read beside the row ``oracle-rotated``. Of a collapsed model the scores are dashes; those
    of ``untrained`` are not, to show what such codes get.
    """

    columns: ClassVar[tuple[Column, ...]] = (
        MIG,
        MIG_ROTATED,
        SAP,
        D,
        D_ROTATED,
        C,
        INFORMATIVENESS,
        FACTOR_VAE,
        MODULARITY,
    )
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = False
    of_lanes: ClassVar[bool] = True
    anchors: ClassVar[tuple[str, ...]] = ("oracle", "oracle-rotated", "untrained")

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Nine readings; those that cannot be taken say why."""
        reference, generator = evidence.reference, evidence.generator
        reason = _cannot(reference.dataset)
        if not reason and generator is None:
            reason = "Of this model only samples are known, and no generator."
        reason = reason or collapse(evidence)
        if reason or generator is None:
            yield from self._dashes(reference, reason)
        else:
            yield from self._scores(reference, generator)

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        """The scores of an oracle or of the untrained model; none of data without factors."""
        if reference.dataset.factors is None or seed >= len(reference.untrained):
            return
        generator = reference.untrained[seed]
        if name != "untrained":
            if generator.latent <= len(reference.dataset.factors.names):  # the class needs one more
                return
            generator = oracle(name, reference.dataset, generator.latent, seed, reference.device)
        yield from self._scores(reference, generator)

    def _dashes(self, reference: Reference, reason: str) -> Iterator[Reading]:
        for column in self.columns:
            yield _reading(reference.dataset, column, math.nan, 0, reason)

    def _scores(self, reference: Reference, generator: Generator) -> Iterator[Reading]:
        dataset = reference.dataset
        assert dataset.factors is not None
        if reason := _cannot(dataset) or ("" if generator.latent > 1 else _ONE):
            yield from self._dashes(reference, reason)
            return
        x = torch.from_numpy(dataset.test_examples).float() / 255
        codes = encoder_of(generator).mean(x).cpu().double().numpy()
        if not np.isfinite(codes).all():
            yield from self._dashes(reference, "The inferred codes are not finite.")
            return
        levels = levels_of(dataset.factors)
        seed = derive_seed(generator.seed, "literature")
        information = mutual_information(codes, levels)
        turned = [rotated(codes, seed=derive_seed(seed, r)) for r in range(_ROTATIONS)]
        d, c, i = _dci(codes, levels, seed)
        values = {
            MIG: mig(information, levels),
            MIG_ROTATED: float(np.mean([mig(mutual_information(t, levels), levels) for t in turned])),
            SAP: sap(codes, levels),
            D: d,
            D_ROTATED: float(np.mean([_dci(t, levels, seed)[0] for t in turned])),
            C: c,
            INFORMATIVENESS: i,
            FACTOR_VAE: factor_vae_score(codes, levels, seed=seed),
            MODULARITY: modularity(information),
        }
        for column, value in values.items():
            yield _reading(dataset, column, value, len(codes), "No coordinate of the code varies.")


def levels_of(factors: Factors) -> Levels:
    """(N, F) the level, 0 to 9, of each factor of each test image: tenths of its range."""
    part = (factors.test - factors.low) / (factors.high - factors.low)
    levels: NDArray[np.int64] = np.clip((part * _LEVELS).astype(np.int64), 0, _LEVELS - 1)
    return levels


def _cannot(dataset: Dataset) -> str:
    if dataset.factors is None:
        return "The true factors of this data are not known."
    if len(dataset.factors.names) < 2 or len(dataset.test_examples) < 2:
        return "Disentanglement is of two factors at least, and of several examples."
    return ""


def _dci(codes: Codes, levels: Levels, seed: int) -> tuple[float, float, float]:
    fitted = min(_FITTED, len(codes) // 2)
    held_out = slice(fitted, 3 * fitted)
    return dci(*importances(codes[:fitted], levels[:fitted], (codes[held_out], levels[held_out]), seed=seed))


def _reading(dataset: Dataset, column: Column, value: float, n: int, reason: str) -> Reading:
    stamp: Protocol = {
        "reference": "test",
        "levels": _LEVELS,
        "rotations": _ROTATIONS,
        "encoder_steps": STEPS,
        "sigma": SIGMA,
    }
    return finite_or_dash(dataset, column, value, n=n, reason=reason, stamp=stamp)
