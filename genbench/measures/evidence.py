"""What a measure is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from genbench.core.record import Column
from genbench.data.dataset import Dataset
from genbench.features.choose import extractor_for
from genbench.features.factors import FactorReader, factor_reader_for
from genbench.features.protocol import FeatureExtractor, Features, Samples
from genbench.measures.game import DiracGame, Game
from genbench.measures.generator import Generator
from genbench.measures.trace import Trace


@dataclass(frozen=True, slots=True)
class Reading:
    """One number a measure took; ``value`` is ``None`` where there is none, and ``reason`` says why.

    ``protocol`` holds what else must be equal for two such numbers to be compared: sizes, split, extractor.
    """

    column: Column
    value: float | None
    error: float | None = None
    n: int = 0
    reason: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    protocol: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """A variational bound on the log-likelihood of test examples: mean, its standard error, in nats."""

    mean: float
    standard_error: float
    n: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a model with an encoder can say of its likelihood. Nothing is computed before it is asked for.

    Attributes:
        elbo: the evidence lower bound, of all test examples.
        importance: the importance-weighted bound with so many draws, of some test examples.
    """

    elbo: Callable[[], Bound]
    importance: Callable[[int], Bound]


@dataclass(frozen=True, slots=True)
class Timing:
    """What the clock and the accountant saw of one cohort.

    Attributes:
        compile_s: seconds of compilation.
        warmup_s: seconds of the steps before the steady state, compilation left out.
        block_steps: steps in each timed block of the steady state.
        block_s: seconds of each of these blocks, all lanes together.
        sample_images: images drawn in each timed sampling block, all lanes together.
        sample_s: seconds of each sampling block.
        images_per_step: real images that one lane draws in one step.
        updates_per_step: optimizer steps of single players in one step of one lane.
        lanes: lanes trained together.
        parameters: numbers trained, in one lane.
        flops_per_step: floating-point operations of one lane's step.
        peak_memory_bytes: highest memory in training, all lanes; ``None`` where it cannot be read.
        compiled: whether the step was compiled.
        compile_shared: whether that had been done for an earlier cohort.
        device: what it ran on, for people.
        memory_of: what ``peak_memory_bytes`` counts: "device", the tensors on an accelerator; or "process",
            all that the whole process holds in main memory, its libraries and the data with it.
        latency_s: seconds of each call that made one sample of one lane.
        peak_flops: FLOP/s of each large matrix product on this machine, in the training's precision; none
            where its matrices did not fit.
        tf32: whether products in float32 are rounded to TF32; ``None`` where no such product was made.
        joules: energy of the blocks after the first; ``None`` where it was not read.
        joules_steps: steps of these blocks.
        energy_of: what ``joules`` counts: "GPU", the whole board; or "CPU packages", all of them.
        energy_missing: why energy was not read, with a remedy; empty where it was.
        processes: how many trained side by side on this machine.
    """

    compile_s: float
    warmup_s: float
    block_steps: int
    block_s: tuple[float, ...]
    sample_images: int
    sample_s: tuple[float, ...]
    images_per_step: int
    updates_per_step: int
    lanes: int
    parameters: int
    flops_per_step: int
    peak_memory_bytes: int | None
    compiled: bool
    device: str
    memory_of: Literal["process", "device"] = "process"
    compile_shared: bool = False
    latency_s: tuple[float, ...] = ()
    peak_flops: tuple[float, ...] = ()
    tf32: bool | None = None
    joules: float | None = None
    joules_steps: int = 0
    energy_of: str = ""
    energy_missing: str = ""
    processes: int = 1


@dataclass(frozen=True, eq=False)
class Reference:
    """The real side of a comparison. Nothing is computed before a measure asks, and then once a dataset.

    Attributes:
        dataset: the real data.
        device: where the extractor runs.
        untrained: the suite's first model before training, one for each seed of a control row; none where
            there is no model.
    """

    dataset: Dataset
    device: torch.device
    untrained: Sequence[Generator] = ()

    @cached_property
    def extractor(self) -> FeatureExtractor:
        """What samples are measured with; for data without a pinned one it is trained here."""
        return extractor_for(self.dataset, device=self.device)

    @cached_property
    def factor_reader(self) -> FactorReader:
        """What reads factors off samples; for data without a pinned one it is trained here.

        Raises:
            ValueError: the factors of this data are not known.
        """
        return factor_reader_for(self.dataset, device=self.device)

    @cached_property
    def features(self) -> Features:
        """Features and class probabilities of the test split."""
        return self.extractor(torch.from_numpy(self.dataset.test_examples))

    @cached_property
    def memory(self) -> Tensor:
        """Features of the training split, (N, D) float32: what a model may have memorized."""
        return self.extractor(torch.from_numpy(self.dataset.train_examples)).values


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of one trained trial, control row or whole cohort when it is measured.

    Attributes:
        reference: the real data and the extractor.
        samples: what the model made, read in slices; none where a whole cohort is measured.
        bounds: on the likelihood, for models that have them.
        timing: what the cohort cost; ``None`` where a trial or a control row is measured.
        held_out: indices of test examples that take the samples' place where memorization is measured,
            because these are training examples that stand for fresh data; ``None`` for all that a model made.
        generator: what made the samples, as a function; only at the end of training, for measures that are
            ``Final``, and ``None`` for samples that nothing is known of.
        trace: what training wrote on its way, where some measure wanted it; only at the end.
        game: makes the lane's training a game at its last parameters; only at the end, of a trained lane.
        dirac: makes the Dirac-GAN of the cohort's model, or raises ``NoGameError``; only of a whole cohort.
    """

    reference: Reference
    samples: Samples
    bounds: Bounds | None = None
    timing: Timing | None = None
    held_out: Tensor | None = None
    generator: Generator | None = None
    trace: Trace | None = None
    game: Callable[[], Game] | None = None
    dirac: Callable[[], DiracGame] | None = None

    @cached_property
    def features(self) -> Features:
        """Features and class probabilities of the samples, computed once."""
        return self.reference.extractor(self.samples)


@runtime_checkable
class Featureless(Protocol):
    """A measure that says whether it does without features, which data without labels has none of."""

    featureless: ClassVar[bool]


@runtime_checkable
class Predictive(Protocol):
    """A measure that knows what a perfect model would score: the row ``expected``."""

    def expected(self, reference: Reference, n: int) -> Iterator[Reading]:
        """What n samples of the true distribution score on average; a reading for every column."""
        ...


class Measure(Protocol):
    """What is registered as a measure: yields readings for the columns it declares.

    Attributes:
        columns: every number it may yield, but for the histogram over modes (``mode_shares.py``), which is as
            long as the data has modes.
        per_cohort: whether its numbers belong to a cohort as a whole, whose lanes share one clock: it is then
            taken once a cohort, and sees the timing and no samples. Otherwise it is taken of every lane and
            control row, and sees samples and no timing.
    """

    columns: ClassVar[tuple[Column, ...]]
    per_cohort: ClassVar[bool]

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Take the readings. A number that cannot be had is a reading with ``value`` None and a reason."""
        ...


@runtime_checkable
class Final(Measure, Protocol):
    """A measure that is taken at the end of training only, because it needs the model and not only samples.

    It is not taken of the samples of others (``genbench eval``), nor of the control rows of samples; its own
    control rows are its ``anchors``.

    Attributes:
        traced: whether it needs the trace of training.
        of_lanes: whether trained lanes have numbers of it; if not, its anchors are all that it measures.
        anchors: its control rows, names of ``genbench.core.record.ANCHORS``.
    """

    traced: ClassVar[bool]
    of_lanes: ClassVar[bool]
    anchors: ClassVar[tuple[str, ...]]

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        """The readings of a control row; none where this data cannot have it."""
        ...
