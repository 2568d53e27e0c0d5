"""How the weights that read the factors of strokes are made; anyone can make them again.

    python -m genbench.features.factor_recipe -o strokes_factors.safetensors

takes seconds, prints accuracy and R2 on the test split, and fails where they are not good enough. As with
``genbench.features.recipe``, another processor may round otherwise: so the weights ship.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from genbench import __version__
from genbench.core.registry import datasets
from genbench.features.factor_network import RECIPE
from genbench.features.factors import instrument_hash, trained_on
from genbench.features.weightfile import save

ENOUGH_RIGHT = 0.99
"""Share of test images whose class must be read right."""

ENOUGH_R2 = 0.95
"""Of every factor on test images."""


def main(arguments: list[str] | None = None) -> int:
    """Train, test and write the reader; exit code 1 where it is not good enough."""
    parser = argparse.ArgumentParser(prog="python -m genbench.features.factor_recipe", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--seed", type=int, default=0, help="decides weights and order")
    options = parser.parse_args(arguments)
    data = datasets.get("strokes")(images=1).load()
    network = trained_on(data.factors, len(data.info.classes), seed=options.seed)
    with torch.no_grad():
        logits, shares = network(torch.from_numpy(data.test_examples).float() / 255)
    values = data.factors.low + shares.numpy() * (data.factors.high - data.factors.low)
    right = float((logits.argmax(1).numpy() == data.test_labels).mean())
    r2 = 1 - ((values - data.factors.test) ** 2).mean(0) / data.factors.test.var(0)
    told = {name: f"{share:.4f}" for name, share in zip(data.factors.names, r2, strict=True)}
    print(f"test accuracy {100 * right:.2f} %, R2 {told}")
    if right < ENOUGH_RIGHT or np.min(r2) < ENOUGH_R2:
        print(f"below {100 * ENOUGH_RIGHT:.0f} % or {ENOUGH_R2}: not written.", file=sys.stderr)
        return 1
    notes = {"recipe": RECIPE, "seed": str(options.seed), "genbench": __version__, "accuracy": f"{right:.4f}"}
    notes |= {f"R2_{name}": share for name, share in told.items()} | {"data": instrument_hash(data.factors)}
    print(f"{options.output}: weight hash {save(network, options.output, notes)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
