"""How the weights that ship are made; anyone can make them again.

    python -m genbench.features.recipe --dataset mnist digits -o mnist_cnn.safetensors

takes a few minutes on two cores, prints the test accuracies, and fails where the first is below 99.2 %. The
same seed gives the same weights on the same machine; another processor or torch rounds otherwise, and its
network is as good and another ruler. So the weights ship, and their hash stands in the code.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from genbench import __version__
from genbench.core.errors import DataError, GenbenchError, PluginError
from genbench.core.registry import datasets
from genbench.features.training import RECIPE, accuracy, train
from genbench.features.weightfile import save

ENOUGH = 0.992
"""Accuracy on the first dataset's test split that a network must reach to be written."""

_SHARE = 5  # a small dataset is repeated until it is a fifth of the largest: enough to be learned


def main(arguments: list[str] | None = None) -> int:
    """Train, test and write an extractor; exit code 1 where it is not good enough, 2 without data."""
    parser = argparse.ArgumentParser(prog="python -m genbench.features.recipe", description=__doc__)
    parser.add_argument(
        "--dataset",
        nargs="+",
        default=["mnist", "digits"],
        choices=_offered(),
        help="what to train on (datasets that need no options): one network for all of them, which must have "
        "the same shape and classes",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--seed", type=int, default=0, help="decides weights, order and augmentation")
    options = parser.parse_args(arguments)
    try:
        sources = {name: datasets.get(name)().load() for name in options.dataset}
        first, *others = sources.values()
        if any(
            (each.info.shape, each.info.classes) != (first.info.shape, first.info.classes) for each in others
        ):
            raise DataError(f"{', '.join(sources)} differ in shape or classes. Train a network for each.")
    except GenbenchError as error:
        print(error, file=sys.stderr)
        return 2
    largest = max(len(each.train_examples) for each in sources.values())
    parts = [
        part
        for each in sources.values()
        for part in [each] * max(1, largest // (_SHARE * len(each.train_examples)))
    ]
    network = train(
        np.concatenate([part.train_examples for part in parts]),
        np.concatenate([part.train_labels for part in parts]),
        classes=len(first.info.classes),
        seed=options.seed,
    )
    notes = {"recipe": RECIPE, "seed": str(options.seed), "genbench": __version__}
    shares = []
    for name, each in sources.items():
        shares.append(accuracy(network, each.test_examples, each.test_labels))
        print(f"test accuracy {100 * shares[-1]:.2f} % on {name}")
        notes |= {f"accuracy_{name}": f"{shares[-1]:.4f}", f"data_{name}": each.hash}
    if shares[0] < ENOUGH:
        print(f"below {100 * ENOUGH:.1f} %: not written. Try another --seed.", file=sys.stderr)
        return 1
    print(f"{options.output}: weight hash {save(network, options.output, notes)}")
    return 0


def _offered() -> list[str]:
    """Names of the datasets that can be made without options; those that do not import are left out."""
    names = []
    for name in datasets.names():
        with suppress(PluginError):
            options = inspect.signature(datasets.get(name)).parameters.values()
            if all(option.default is not option.empty for option in options):
                names.append(name)
    return names


if __name__ == "__main__":
    raise SystemExit(main())
