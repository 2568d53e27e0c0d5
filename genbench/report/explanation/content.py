"""What is known of one trained model, as arrays: computed where PyTorch is, drawn where it is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
"""(..., C, H, W) in [0, 1]; C is 1 or 3."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Missing:
    """What takes the place of a section that could not be had, and why, for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Which model the page is of.

    Attributes:
        label, model: its name in the suite, and that of its kind.
        dataset: what it was trained on.
        run, trial: where its checkpoint is; ``run`` is empty outside of a run.
        seed, step: of its training.
        draws: the seed of all that is drawn for the page.
        latent: size d of its latent.
        distribution: of each coordinate of the latent.
        ended: how training ended where it did not come to its end, and why; empty where it did, or where
            that is not known.
        collapsed: why its latent space is hardly worth a description; empty where it has not collapsed, or
            where that cannot be told.
        without_data: why the data set could not be had; empty where it could.
    """

    label: str
    model: str
    dataset: str
    run: str
    trial: str
    seed: int
    step: int
    draws: int
    latent: int
    distribution: str
    ended: str
    collapsed: str
    without_data: str


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Samples beside the training images nearest to them, in the features of an extractor.

    Attributes:
        samples, nearest: (N, C, H, W).
        distances: (N,) Euclidean, of each pair.
        typical: (M,), of test images to the nearest training image.
        searched: how many training images were searched.
        extractor: whose features.
    """

    samples: Images
    nearest: Images
    distances: Numbers
    typical: Numbers
    searched: int
    extractor: str


@dataclass(frozen=True, slots=True, eq=False)
class Traversals:
    """One latent moved at a time, from one and the same draw.

    Attributes:
        images: (rows, columns, C, H, W).
        latents: (rows,), which coordinate moves, counted from 1, the most sensitive first.
        sensitivity: (d,), mean of ||dG/dz_i||^2 over draws, of every coordinate in its own order.
        places: (columns,), where each column is, in standard deviations of a normal latent.
        draws: how many latents the sensitivity is a mean over.
    """

    images: Images
    latents: NDArray[np.int64]
    sensitivity: Numbers
    places: Numbers
    draws: int


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A path between two latents.

    Attributes:
        between: what its ends are: ``draws`` or ``test images``.
        images: (T, C, H, W), at equal distances on the path.
        ends: (2, C, H, W), the test images themselves; ``None`` between draws.
        errors: (2,), normalised inversion error of the ends; ``None`` between draws.
        places: (P,), on the path, 0 to 1.
        speeds: (P,), ||dG/dt|| over ||G(end) - G(start)||; NaN where both ends give one image.
    """

    between: str
    images: Images
    ends: Images | None
    errors: Numbers | None
    places: Numbers
    speeds: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Walks through the latent space.

    Attributes:
        walks: of draws first.
        curve: ``slerp`` or ``straight line``.
        without_real: why there is no walk between test images; empty where there is.
    """

    walks: tuple[Walk, ...]
    curve: str
    without_real: str


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """One direction of the latent space.

    Attributes:
        method: ``SeFa``, ``GANSpace`` or ``random``.
        number: in the order of its method, counted from 1.
        images: (columns, C, H, W), moved along it from one and the same draw.
        change: mean of ||G(z + v) - G(z - v)||^2 / ||G(z)||^2 over draws, with v of length 1.
    """

    method: str
    number: int
    images: Images
    change: float


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Strips along directions, and where their columns are, in lengths of a standard deviation."""

    strips: tuple[Direction, ...]
    places: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Attributions:
    """Maps that explain how real the model holds images to be.

    Attributes:
        kinds: of each image: ``real``, ``generated`` or ``planted``.
        images: (N, C, H, W).
        scores: (N,), f(x).
        baseline: f of a black image.
        scored_by: ``discriminator`` or ``bound``.
        methods: names of the explainers.
        maps: (methods, N, H, W), summed over channels; parts of f(x) - f(baseline).
        completeness: (methods, N), completeness error; NaN where f(x) = f(baseline).
        infidelity: (methods, N), normalised infidelity; NaN where no mask changes the score.
        inside: (methods, N), share of |a| in the planted patch; NaN of other images.
        patch: (H, W), where the patch is.
        masks: of how many random halves of the superpixels the infidelity is a mean.
    """

    kinds: tuple[str, ...]
    images: Images
    scores: Numbers
    baseline: float
    scored_by: str
    methods: tuple[str, ...]
    maps: Numbers
    completeness: Numbers
    infidelity: Numbers
    inside: Numbers
    patch: NDArray[np.bool_]
    masks: int


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One unit, or channel, of a hidden layer.

    Attributes:
        number: in its layer, counted from 0.
        control: whether it was drawn at random; otherwise it is one whose ablation changes most.
        images: (k, C, H, W), the samples at which it is most active.
        effect: mean ||G - G without it||^2 / mean ||G||^2.
        related: what of the sample it goes with most closely ("class 3", "slant"); empty where not known.
        correlation: |Spearman| with that; NaN where not known.
    """

    number: int
    control: bool
    images: Images
    effect: float
    related: str
    correlation: float


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A hidden layer of the generator, unit by unit.

    Attributes:
        name: of the layer.
        units: how many it has.
        shown: units with their top samples.
        tested: (T,), numbers of the units that were ablated.
        effects: (T,), as ``Unit.effect``.
        dead: share of units active in fewer than 1 % of samples.
    """

    name: str
    units: int
    shown: tuple[Unit, ...]
    tested: NDArray[np.int64]
    effects: Numbers
    dead: float


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The last hidden layers of the generator, and over how many draws they were seen and ablated."""

    layers: tuple[Layer, ...]
    draws: int
    ablated: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A linear probe of one layer.

    Attributes:
        network: ``generator`` or ``discriminator`` or ``encoder``.
        layer: its name, in the order of the computation.
        target: ``class``, or the name of a factor.
        score: accuracy of a class, R² of a factor, on examples that the probe was not fitted to.
        trivial: what the most frequent class, or the mean, scores there.
    """

    network: str
    layer: str
    target: str
    score: float
    trivial: float


@dataclass(frozen=True, slots=True)
class Probes:
    """Linear probes of every layer; ``fitted`` and ``held_out`` are numbers of examples by network.

    ``label_of`` tells where the labels of generated images come from.
    """

    probes: tuple[Probe, ...]
    examples: dict[str, tuple[int, int]]
    label_of: str


@dataclass(frozen=True, slots=True, eq=False)
class Inversions:
    """Test images and the samples nearest to them.

    Attributes:
        titles: (3,), best, median, worst.
        images, found: (3, C, H, W), x and G(z*).
        shown: (3,), their normalised errors.
        errors: (N,), ||G(z*) - x||^2 over the mean ||x - mean image||^2 of the test images.
        steps, restarts: of the search.
    """

    titles: tuple[str, ...]
    images: Images
    found: Images
    shown: Numbers
    errors: Numbers
    steps: int
    restarts: int


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """All of a page; a section that could not be had says why."""

    subject: Subject
    neighbours: Neighbours | Missing
    traversals: Traversals | Missing
    paths: Paths | Missing
    directions: Directions | Missing
    attributions: Attributions | Missing
    units: Units | Missing
    probes: Probes | Missing
    inversions: Inversions | Missing
