"""What each metric claims to see: real images, degraded step by step, must score worse at every step.

They start as training images, which are fresh data to the test images and left out of the training set where
memorization is asked for, as in the control row `real`. A claim holds if at every step all draws score worse
than all draws of the step before.
"""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reference

UP, DOWN = 1, -1

DISTANCES = {"quality.fid": UP, "quality.kid": UP}
REAL_NEAR_SAMPLES = {"quality.recall": DOWN, "quality.coverage": DOWN}
SAMPLES_NEAR_REAL = {"quality.precision": DOWN, "quality.density": DOWN}
CLASSES = {"modes.covered": DOWN, "modes.entropy": DOWN, "modes.kl": UP}
COPIES = {"memorization.authenticity": DOWN, "memorization.distance": DOWN}

# Degradation: its steps, from none at all; which metrics see it, and where they go.
SEEN = {
    "blur": ((0, 1.6, 2.2, 2.8), {**DISTANCES, **REAL_NEAR_SAMPLES, **SAMPLES_NEAR_REAL}),
    "noise": ((0, 20, 40, 80), {**DISTANCES, **REAL_NEAR_SAMPLES, **SAMPLES_NEAR_REAL}),
    "lost classes": ((0, 1, 3, 5, 9), {**DISTANCES, **REAL_NEAR_SAMPLES, **CLASSES}),
    "repetition": ((1, 3, 9, 27), {"quality.fid": UP, **REAL_NEAR_SAMPLES}),
    # the kernel distance, estimated without bias, sees only how lucky the few images are
    "much repetition": ((1, 9, 27), {"quality.kid": UP}),
    "memory": ((0, 0.25, 0.5, 1), COPIES),
}

# Which do not see it, and why. They stay within a tenth of their range of where they began, or get better.
BLIND = {
    "blur": {
        "modes.covered": "a blurred digit is legible, and counted in its class",
        "modes.entropy": "as above",
        "memorization.authenticity": "what is no copy cannot become one: it grows",
    },
    "noise": {"memorization.authenticity": "as above: a copy with noise upon it counts as new"},
    "lost classes": {
        "quality.precision": "each sample is as good as before; it is the reason for recall",
        "quality.density": "as above, and more samples fall where real images are dense",
    },
    "repetition": {
        "quality.precision": "each sample is as good as before",
        "memorization.authenticity": "the images repeated are none of the training set",
    },
    "memory": {
        "quality.fid": "the test images are as near to copied training images as to fresh ones",
        "quality.recall": "as above",
        "quality.coverage": "as above",
        "quality.precision": "as above",
        "modes.entropy": "as above",
    },
}

# One end of what a blind metric would come to if it saw everything; the other is where it began.
WORST = {"quality.fid": 50, "modes.covered": 1}


def degraded(how, step, dataset, n, seed):
    """Images, and which training examples they come from that stand for fresh data."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(dataset.train_examples))
    fresh = order[:n]
    images = dataset.train_examples[fresh]
    match how:
        case "blur":
            return gaussian_filter(images.astype(np.float32), (0, 0, step, step)), fresh
        case "noise":
            return images + random.normal(0, step, images.shape), fresh
        case "lost classes":
            left = order[dataset.train_labels[order] < 10 - step]
            fresh = np.resize(left, n)
        case "repetition" | "much repetition":
            fresh = np.resize(order[: n // step], n)
        case "memory":
            copies = np.where(np.arange(n) < step * n, order[-n:], fresh)
            return dataset.train_examples[copies], fresh
    return dataset.train_examples[fresh], fresh


def _without(reference, fresh):
    """The same reference, but those training examples stand for fresh data and cannot be remembered."""
    own = Reference(reference.dataset, reference.device)
    kept = np.setdiff1d(np.arange(len(reference.memory)), fresh)
    known = {"extractor": reference.extractor, "features": reference.features}
    vars(own).update(known, memory=reference.memory[torch.from_numpy(kept)])
    return own


def scores(how, reference, n, seeds):
    """Metric to an array (steps, seeds)."""
    taken = [measures.get(name)() for name in ("quality", "modes", "memorization")]
    rows = []
    for step in SEEN[how][0]:
        row = []
        for seed in range(seeds):
            images, fresh = degraded(how, step, reference.dataset, n, seed)
            stored = torch.from_numpy(np.ascontiguousarray(images.round().clip(0, 255), dtype=np.uint8))
            evidence = Evidence(_without(reference, fresh), stored)
            row.append({r.column.metric: r.value for measure in taken for r in measure(evidence)})
        rows.append(row)
    return {
        metric: np.array([[found[metric] for found in row] for row in rows])
        for metric in rows[0][0]
        if rows[0][0][metric] is not None
    }


def check(how, reference, n, seeds):
    found = scores(how, reference, n, seeds)
    for metric, direction in SEEN[how][1].items():
        worse = direction * found[metric]
        apart = worse[1:].min(axis=1) > worse[:-1].max(axis=1)
        # what has come to its end cannot fall further
        ended = (found[metric][1:] == 0).all(axis=1) & (found[metric][:-1] == 0).all(axis=1)
        assert (apart | ended).all(), (how, metric, found[metric])
        assert worse[-1].min() > worse[0].max(), (how, metric)
    for metric in BLIND.get(how, ()):
        began, became = found[metric][0].mean(), found[metric][1:].mean(axis=1)
        toward = WORST.get(metric, 0.0)
        lost = (became - began) / (toward - began)
        assert (lost < 0.1).all(), (how, metric, found[metric])


def test_no_claim_is_contradicted():
    for how, (_, claims) in SEEN.items():
        assert not claims.keys() & BLIND.get(how, {}).keys()


@pytest.mark.parametrize("how", SEEN)
@pytest.mark.run
def test_digits(reference, how):
    check(how, reference, n=400, seeds=3)


@pytest.mark.run
@pytest.mark.parametrize("how", SEEN)
def test_mnist(mnist, how):
    check(how, mnist, n=2000, seeds=2)
