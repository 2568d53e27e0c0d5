"""What the trace of training costs, as a share of the training it is of.

``python benchmarks/tracing.py --lanes 5 --steps 2000``

Each model is trained on random images of MNIST size with its own defaults; every snapshot is
timed inside that very training, so no other run has to be compared with.
"""

from __future__ import annotations

import argparse

import torch

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.train.clock import now
from genbench.train.device import COMPUTE, choose_device, choose_precision, device_name
from genbench.train.settings import Settings
from genbench.train.trace import Tracer, spacing
from genbench.train.trainer import train
from genbench.train.training import Training

MNIST = DataInfo("random", (1, 28, 28))


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument(
        "--model", nargs="+", default=["gan", "ns_gan", "wgan", "vae"], choices=models.names()
    )
    options = parser.parse_args(arguments)
    device = choose_device("auto")
    print(f"{device_name(device)}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for name in options.model:
        print(line(name, options.lanes, options.steps, options.batch, device))
    return 0


def line(name: str, lanes: int, steps: int, batch: int, device: torch.device) -> str:
    """Train one model and say what its snapshots took."""
    model = models.get(name)()
    seeds = tuple(range(lanes))
    every = spacing(steps)
    settings = Settings(
        steps=steps,
        batch_size=batch,
        device=device,
        compute=COMPUTE[choose_precision("auto", device, MNIST)],
        compile="always",
        trace_every=every,
    )
    tracer = Tracer(model, MNIST, seeds, steps, every)
    took: list[float] = []

    def on_trace(training: Training) -> None:
        began = now(device)
        tracer(training.state)
        took.append(now(device) - began)

    examples = torch.randint(0, 256, (2048, *MNIST.shape), generator=torch.Generator().manual_seed(0))
    training = train(model, MNIST, examples.to(torch.uint8).to(device), seeds, settings, on_trace=on_trace)
    share = 100 * sum(took) / training.seconds
    return (
        f"{name}: {steps} steps of {lanes} lanes {training.seconds:.1f} s, {len(took)} snapshots "
        f"{sum(took):.2f} s ({1000 * sum(took) / len(took):.0f} ms each): {share:.1f} %"
    )


if __name__ == "__main__":
    raise SystemExit(main())
