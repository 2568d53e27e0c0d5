"""What samples must be: of the data's shape and range, each from its own latent, and not all the same."""

from __future__ import annotations

import torch
from torch import Tensor

from genbench.models.protocol import Nets
from genbench.runner.check.finding import Fault, NotRun
from genbench.runner.check.subject import CPU, SEEDS, Subject, blamed, described, latents, nets_of, plain
from genbench.train.state import initial_state, skeletons

COUNT = 7
LARGE = 30
"""Factor on all parameters with which networks give large outputs."""

VARIED = 64
"""Latents among which samples must differ."""

COORDINATES = 64
"""Latent coordinates that are tried at most, of those evenly spaced."""

EXTREME, SATURATED = 0.999, 0.99
"""A value so near to the end of the range counts as saturated; so many are too many before the first step."""


def shape(subject: Subject) -> str:
    """N latents give N examples of the data's shape, as a tensor of the parameters' precision."""
    state = initial_state(subject.model, subject.data, [1], device=CPU)
    expected = (COUNT, *subject.data.shape)
    remedy = f"Reshape what the network gives: data.shape is {subject.data.shape}."
    with blamed(subject, "`sample`", "It takes latents (N, ...) as `prior` declares them."), torch.no_grad():
        x = subject.model.sample(nets_of(subject, state), latents(subject, COUNT, dtype=torch.float32))
    if not isinstance(x, Tensor):
        raise Fault(
            f"`sample` gives {described(x)}, expected a tensor of shape {expected}",
            "Return the tensor itself; genbench turns it into an array where one is needed.",
        )
    if tuple(x.shape) != expected:
        raise Fault(f"samples have shape {tuple(x.shape)}, expected {expected} from {COUNT} latents", remedy)
    if x.dtype != torch.float32:
        raise Fault(
            f"samples are {plain(x.dtype)} with float32 parameters",
            "Give images in [-1, 1], or points, in the dtype of the parameters; genbench makes the bytes.",
        )
    return f"{expected} from {COUNT} latents"


def finite_range(subject: Subject) -> str:
    """Images lie in [-1, 1] whatever the networks give, on both sides of grey; all is finite at the start."""
    for scale in (1, LARGE):
        x = scaled_samples(subject, scale)
        if scale == 1 and not x.isfinite().all():
            raise Fault(
                "samples are not finite before the first step",
                "Look for log, sqrt or division by zero in `sample`.",
            )
        if not subject.data.is_image:
            continue
        x = x[x.isfinite()]
        low, high = (x.min().item(), x.max().item()) if len(x) else (0.0, 0.0)
        if low < -1 or high > 1:
            raise Fault(
                f"images lie between {low:.3g} and {high:.3g}, expected [-1, 1]",
                "End `sample` with tanh, or with `2 * sigmoid(x) - 1`.",
            )
    if not subject.data.is_image:
        return "finite"
    if low >= 0 or high <= 0:
        raise Fault(
            f"images lie between {low:.3g} and {high:.3g}, however large the weights, expected [-1, 1]",
            "Black is -1 and white is 1: from [0, 1] it is `2 * x - 1`.",
        )
    return "images lie in [-1, 1] however large the weights"


def batch_mates(subject: Subject) -> str:
    """A sample depends on its own latent only, and lanes differ."""
    z = latents(subject, 9)
    for lane in range(len(SEEDS)):
        nets = nets_of(subject, subject.ready, lane)
        with torch.no_grad():
            together = subject.model.sample(nets, z)
            for k in (0, 8):
                single = subject.model.sample(nets, z[k : k + 1])
                if not torch.allclose(together[k : k + 1], single, rtol=1e-9, atol=1e-12):
                    off = (together[k : k + 1] - single).abs().max()
                    raise Fault(
                        f"a sample drawn alone is another than the one drawn with {len(z) - 1} more, "
                        f"by up to {off:.2g}",
                        "Use no mean, norm or ranking over the batch in `sample`; normalize by "
                        "genbench.models.normalization.BatchNorm, which has fixed statistics there.",
                    )
    return "a sample depends on its own latent only"


def variety(subject: Subject) -> str:
    """Different latents give different samples, every latent coordinate counts, and nothing is saturated."""
    z = latents(subject, VARIED)
    with torch.no_grad():
        nets = nets_of(subject, subject.ready)
        x = subject.model.sample(nets, z)
        if x.isfinite().all() and (x - x[:1]).abs().max() < 1e-9:
            raise Fault(
                f"{VARIED} different latents give the same sample: `sample` ignores its latent",
                "Pass z to the network; a network whose last layers begin at zero learns, but one that never "
                "sees z cannot.",
            )
        idle = _idle_coordinates(subject, nets, z[:8])
    if idle:
        raise Fault(
            f"{len(idle)} of the latent's coordinates change nothing (the first is number {idle[0]}, from 0)",
            "Use all of z, or make `prior` smaller.",
        )
    if subject.data.is_image:
        share = (scaled_samples(subject, 1).abs() > EXTREME).double().mean().item()
        if share > SATURATED:
            raise Fault(
                f"{share:.0%} of the pixels are black or white before the first step: the last "
                "nonlinearity is saturated and passes no gradient",
                "Begin with smaller weights in the last layer, or normalize before it.",
            )
    return f"{VARIED} latents give different samples"


def scaled_samples(subject: Subject, scale: float) -> Tensor:
    """A few samples in float64 with all parameters of the first steps' seed times ``scale``."""
    modules = {net: module.eval() for net, module in skeletons(subject.model, subject.data).items()}
    tensors = {
        net: {
            **{name: scale * t[0] for name, t in subject.initial.params[net].items()},
            **{name: t[0] for name, t in subject.initial.buffers[net].items()},
        }
        for net in modules
    }
    with torch.no_grad():
        return subject.model.sample(Nets(modules, tensors), latents(subject, COUNT))


def _idle_coordinates(subject: Subject, nets: Nets, z: Tensor) -> list[int]:
    """Numbers of those coordinates of a latent that can be moved without any effect."""
    size = z[0].numel()
    if size == 0:
        raise NotRun("the latent has no coordinates")
    tried = list(range(0, size, max(1, -(-size // COORDINATES))))
    x = subject.model.sample(nets, z)
    idle = []
    for number in tried:
        moved = z.flatten(1).clone()
        moved[:, number] += 1
        if torch.equal(subject.model.sample(nets, moved.view_as(z)), x):
            idle.append(number)
    return idle
