"""How an extractor's weights are made; anyone can make them again.

    python -m genbench.features.recipe --dataset mnist -o mnist_cnn.safetensors

takes a few minutes on two cores, prints the test accuracy, and fails below 99.2 %. The same seed gives the
same weights on the same machine; another processor or torch rounds otherwise, and its network is as good and
another ruler. So the weights ship, and their hash stands in the code.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from genbench import __version__
from genbench.core.errors import GenbenchError
from genbench.core.registry import datasets
from genbench.features.training import RECIPE, accuracy, train
from genbench.features.weightfile import save

ENOUGH = 0.992
"""Test accuracy that the shipped MNIST network must reach."""


def main(arguments: list[str] | None = None) -> int:
    """Train, test and write an extractor; exit code 1 where it is not good enough, 2 without data."""
    parser = argparse.ArgumentParser(prog="python -m genbench.features.recipe", description=__doc__)
    parser.add_argument("--dataset", default="mnist", choices=datasets.names(), help="what to train on")
    parser.add_argument("-o", "--output", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        data = datasets.get(options.dataset)().load()
    except GenbenchError as error:
        print(error, file=sys.stderr)
        return 2
    classes = len(data.info.classes)
    network = train(data.train_images, data.train_labels, classes=classes, seed=options.seed)
    share = accuracy(network, data.test_images, data.test_labels)
    print(f"test accuracy {100 * share:.2f} % on {options.dataset}")
    if share < ENOUGH:
        print(f"below {100 * ENOUGH:.1f} %: not written. Try another --seed.", file=sys.stderr)
        return 1
    notes = {"recipe": RECIPE, "data": data.hash, "accuracy": f"{share:.4f}", "genbench": __version__}
    digest = save(
        network.cpu(), options.output, {**notes, "dataset": options.dataset, "seed": str(options.seed)}
    )
    print(f"{options.output}: weight hash {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
