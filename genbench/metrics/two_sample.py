"""Classifier two-sample test: can a classifier tell generated samples from real ones?"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import feature_pair

C2ST_ACCURACY = Column(
    "classifier_two_sample.accuracy",
    "",
    Better.LOWER,
    low=0.0,
    high=1.0,
    meaning="held-out accuracy of telling fake from real; 1/2: it cannot",
)
C2ST_AUC = Column(
    "classifier_two_sample.auc",
    "",
    Better.LOWER,
    low=0.0,
    high=1.0,
    meaning="chance that a fake sample looks more fake than a real one; 1/2: no better than a coin",
)
C2ST_P_VALUE = Column(
    "classifier_two_sample.p_value",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="chance of that accuracy or more if both sets were alike",
)

_LANDMARKS = 256


class C2ST(NamedTuple):
    """How well held-out samples are told apart.

    Attributes:
        accuracy: share of held-out samples given to the right set; 1/2 where they are alike.
        auc: area under the ROC curve; 1/2 where they are alike.
        p_value: one-sided, of ``accuracy`` against 1/2.
    """

    accuracy: float
    auc: float
    p_value: float


def classifier_two_sample(real: Tensor, fake: Tensor, *, seed: int) -> C2ST:
    """Train a classifier on half of both sets, score it on the other half.

    accuracy = share of right answers (Lopez-Paz and Oquab 2017, eq. 2); p = P(Binomial(n_te, ½) ≥ right
    answers), exact. As many rows of each set as the smaller has, drawn at random, half of each to train; a
    row and its equal in the other set stay together, so that a copied set scores ½.

    The classifier is logistic regression on the standardized features and 256 Nyström features of the
    kernel exp(-‖x - y‖² / D). The first see means, the second differences about as wide as the data; what
    the paper's network of 20 hidden units finds depends on its random start and the order of its steps,
    where a convex loss has one minimum, the same on every machine to rounding.

    Direction: accuracy and AUC lower, to ½ and not below; a p-value is no size of a difference and is
    never ranked. Range: 0 to 1. Bias: none; floor: accuracy ½ ± ½ / √n_te (one standard deviation), n_te =
    2 ⌈min(N, M) / 2⌉. The best accuracy for a shift by δ standard deviations is Φ(δ / 2). Known failures:
    what the classifier cannot learn it does not see, so ½ proves nothing. The kernel is as wide as the whole
    data: eight modes of deviation 0.01 on the unit circle made three times too wide stay at ½ (4,000 points),
    ten times at 0.58. In high dimension it finds trifles, and an accuracy near 1 says little of how bad the
    samples look. A copied training set is ½ against that set, and one copied but for rounding below ½ (0.40
    with 200 rows in 3 dimensions): its rows are held out against their own twins, and that is no merit.

    Args:
        real: (N, D), N ≥ 4, any floating type.
        fake: (M, D), M ≥ 4, any floating type; M may differ from N.
        seed: of the choice of rows and landmarks.

    Raises:
        ValueError: shapes that do not fit, fewer than four rows, or numbers that are not finite.
    """
    from scipy.stats import binom
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    x, y = feature_pair(real, fake, at_least=4)
    generator = torch.Generator().manual_seed(seed)
    each = min(len(x), len(y))
    half = each // 2
    # one order a set: its first rows are the train half, the next the held-out one
    x, y = (group.cpu()[torch.randperm(len(group), generator=generator)[:each]] for group in (x, y))
    groups = (x, _beside_its_equal(y, x))
    train = torch.cat([group[:half] for group in groups]).numpy()
    test = torch.cat([group[half:] for group in groups]).numpy()
    is_fake = torch.arange(2).repeat_interleave(half).numpy()
    truth = torch.arange(2).repeat_interleave(each - half).numpy()
    landmarks = min(_LANDMARKS, len(train))
    views = [
        ("itself", FunctionTransformer()),
        ("kernel", Nystroem(gamma=1 / x.shape[1], n_components=landmarks, random_state=seed)),
    ]
    classifier = make_pipeline(StandardScaler(), FeatureUnion(views), LogisticRegression(max_iter=1000))
    score = classifier.fit(train, is_fake).decision_function(test)
    right = int(((score > 0) == truth).sum())
    return C2ST(
        accuracy=right / len(test),
        auc=float(roc_auc_score(truth, score)),
        p_value=float(binom.sf(right - 1, len(test), 0.5)),
    )


def _beside_its_equal(rows: Tensor, others: Tensor) -> Tensor:
    """As many rows as others, each that equals one of them moved to its place, one to one; the rest in order.

    What equals a row of the other set is then on its side of any cut. Across it, the copy of a training row
    would be held out under the other name, and the classifier sure of the wrong answer. Rows that only equal
    others of their own set are free: samples that are all the same must not land on one side.
    """
    places: dict[bytes, list[int]] = defaultdict(list)
    for place in reversed(range(len(others))):
        places[_bits(others[place])].append(place)
    order: list[int | None] = [None] * len(others)
    alone = []
    for number, row in enumerate(rows):
        if equal := places.get(_bits(row)):
            order[equal.pop()] = number
        else:
            alone.append(number)
    rest = iter(alone)
    return rows[[next(rest) if number is None else number for number in order]]


def _bits(row: Tensor) -> bytes:
    return (row + 0.0).numpy().tobytes()  # -0 as 0
