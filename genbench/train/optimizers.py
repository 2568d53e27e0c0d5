"""Optimizers as pure functions of tensors: elementwise, so lanes stay independent.

They equal ``torch.optim`` (a test compares 20 steps), but return what they compute instead of writing it,
so that a whole update - losses, gradients, optimizer - is one function that can be vectorized and compiled.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from genbench.models.optim import SGD, Adam, Optimizer, RMSprop

Slots = Mapping[str, Tensor]
"""What an optimizer remembers of one parameter, by name; each of the parameter's shape."""

Corrections = Mapping[str, Tensor]
"""Scalars of an update that depend on its number alone, by name."""


def slot_names(optimizer: Optimizer) -> tuple[str, ...]:
    """Names of what is remembered of each parameter; all start at zero."""
    match optimizer:
        case Adam():
            return ("m", "v")
        case RMSprop():
            return ("v",)
        case SGD():
            return ("momentum",) if optimizer.momentum else ()


def corrections(optimizer: Optimizer, t: Tensor, dtype: torch.dtype) -> Corrections:
    """What depends on the number of the update alone, for many updates at once.

    It is computed beforehand, because a compiler that finds powers beside the parameters computes them again
    for every few parameters: with Adam that was most of the time that is not spent in matrix products.

    Args:
        optimizer: which.
        t: numbers of updates, counting from 1, any shape.
        dtype: of the results; the powers are computed in float64.

    Returns:
        By name, each of the shape of ``t``: the learning rate; for Adam with the bias of m corrected,
        lr / (1 - beta1^t), and 1 / sqrt(1 - beta2^t). So programs that differ in their learning rates only
        are one.
    """
    t = t.double()
    rate, more = torch.full_like(t, optimizer.lr), {}
    if isinstance(optimizer, Adam):
        beta1, beta2 = optimizer.betas
        rate, more = rate / (1 - beta1**t), {"scale": (1 - beta2**t).rsqrt()}
    return {name: value.to(dtype) for name, value in {"rate": rate, **more}.items()}


def apply(
    optimizer: Optimizer, parameter: Tensor, gradient: Tensor, slots: Slots, corrected: Corrections
) -> tuple[Tensor, Slots]:
    """One update of one parameter.

    Args:
        optimizer: which, with its settings.
        parameter: what is trained, any shape.
        gradient: of the loss, same shape.
        slots: what the optimizer remembers, same shapes.
        corrected: of this update, from ``corrections``: scalars.

    Returns:
        The new parameter and the new slots.
    """
    match optimizer:
        case Adam():
            return _adam(optimizer, parameter, gradient, slots, corrected)
        case RMSprop():
            v = torch.lerp(gradient.square(), slots["v"], optimizer.alpha)
            return parameter - corrected["rate"] * gradient / (v.sqrt() + optimizer.eps), {"v": v}
        case SGD():
            if not optimizer.momentum:
                return parameter - corrected["rate"] * gradient, {}
            velocity = optimizer.momentum * slots["momentum"] + gradient
            return parameter - corrected["rate"] * velocity, {"momentum": velocity}


def _adam(
    adam: Adam, parameter: Tensor, gradient: Tensor, slots: Slots, corrected: Corrections
) -> tuple[Tensor, Slots]:
    # lr m_hat / (sqrt(v_hat) + eps), with both corrections taken out of the elementwise work
    beta1, beta2 = adam.betas
    m = torch.lerp(gradient, slots["m"], beta1)
    v = torch.lerp(gradient.square(), slots["v"], beta2)
    return parameter - corrected["rate"] * m / (v.sqrt() * corrected["scale"] + adam.eps), {"m": m, "v": v}
