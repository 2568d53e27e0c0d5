"""Linear probes: what can be read off each layer."""

from __future__ import annotations

import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.measures.evidence import Reference
from genbench.report.explanation.content import Missing, Probe, Probes
from genbench.runner.explaining.labelling import Labels, true_labels
from genbench.runner.explaining.looking import Lens, chunks, examples

EXAMPLES = 1536
"""Test images, at most."""

HELD_OUT = 1 / 3
RIDGE = 0.1
"""Penalty, in units of the mean squared length of an example's centred activations."""


def probes(lens: Lens, reference: Reference, labels: Labels, z: Tensor) -> Probes | Missing:
    """Probe the layers of the generator and of the network that sees examples.

    Args:
        lens: the model.
        reference: its data, with true labels of test images.
        labels: of the samples at ``z``.
        z: (N, d).
    """
    networks = lens.generator.networks
    assert networks is not None  # of a trained lane
    found: list[Probe] = []
    counts: dict[str, tuple[int, int]] = {}
    with torch.no_grad():
        inside = [
            {"latent": z[rows], **networks.hidden(z[rows]), "image": lens.decode(z[rows])}
            for rows in chunks(len(z), 256)
        ]
    found += _probed("generator", _joined(inside), labels, lens.seed, counts)
    if networks.seen is not None:
        stored = reference.dataset.test_examples
        order = torch.randperm(len(stored), generator=_random(lens.seed, "probed"))[:EXAMPLES].sort().values
        x = examples(stored[order.numpy()], lens.generator.device)
        with torch.no_grad():
            layers = [{"image": x[rows], **networks.seen(x[rows])} for rows in chunks(len(x), 256)]
        name = "encoder" if lens.generator.encode else "discriminator"
        true = true_labels(reference, order.numpy())
        found += _probed(name, _joined(layers), true, lens.seed, counts)
    if not found:
        return Missing("all samples have one and the same label, so that nothing can be told apart.")
    return Probes(tuple(found), counts, labels.source)


def _joined(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([part[name].flatten(1) for part in parts]).double() for name in parts[0]}


def _probed(
    network: str, layers: dict[str, Tensor], labels: Labels, seed: int, counts: dict[str, tuple[int, int]]
) -> list[Probe]:
    n = len(next(iter(layers.values())))
    order = torch.randperm(n, generator=_random(seed, "held-out"))
    split = n - round(n * HELD_OUT)
    fitted, held_out = order[:split], order[split:]
    targets = _targets(labels, fitted, held_out)
    found: list[Probe] = []
    for layer, activations in layers.items():
        kernel = _kernel(activations, fitted)
        for target, (wanted, is_class) in targets.items():
            predicted = _ridge(kernel, wanted, fitted)[held_out]
            true = wanted[held_out]
            if is_class:
                score = float((predicted.argmax(1) == true.argmax(1)).double().mean())
                trivial = float((true.argmax(1) == wanted[fitted].sum(0).argmax()).double().mean())
            else:
                spread = (true - true.mean(0)).square().sum()
                score = float(1 - (predicted - true).square().sum() / spread)
                trivial = 0.0
            found.append(Probe(network, layer, target, score, trivial))
    if found:
        counts[network] = (len(fitted), len(held_out))
    return found


def _targets(labels: Labels, fitted: Tensor, held_out: Tensor) -> dict[str, tuple[Tensor, bool]]:
    """What is predicted, (N, columns), and whether it is a class; none that has one value only."""
    found: dict[str, tuple[Tensor, bool]] = {}
    if labels.classes is not None:
        classes = torch.from_numpy(labels.classes)
        if len(torch.unique(classes[fitted])) > 1:
            found["class"] = torch.nn.functional.one_hot(classes).double(), True
    for name, values in labels.factors.items():
        factor = torch.from_numpy(values).double()[:, None]
        if factor[fitted].var() > 0 and factor[held_out].var() > 0:
            found[name] = factor, False
    return found


def _kernel(activations: Tensor, fitted: Tensor) -> Tensor:
    """(N, fitted), inner products of centred activations; wide layers cost no more than narrow ones.

    Units keep their scales: a pixel that hardly ever varies would be blown up by its standard deviation.
    """
    centred = activations - activations[fitted].mean(0)
    return (centred @ centred[fitted].T).cpu()


def _ridge(kernel: Tensor, wanted: Tensor, fitted: Tensor) -> Tensor:
    """Ridge regression in its dual form, predicted for every example."""
    inner = kernel[fitted]
    penalty = RIDGE * inner.diagonal().mean().clamp(min=1e-12)
    mean = wanted[fitted].mean(0)
    weights = torch.linalg.solve(
        inner + penalty * torch.eye(len(inner), dtype=inner.dtype), wanted[fitted] - mean
    )
    predicted: Tensor = kernel @ weights + mean
    return predicted


def _random(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, "explain", purpose))
