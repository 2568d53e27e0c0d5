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


def slot_names(optimizer: Optimizer) -> tuple[str, ...]:
    """Names of what is remembered of each parameter; all start at zero."""
    match optimizer:
        case Adam():
            return ("m", "v")
        case RMSprop():
            return ("v",)
        case SGD():
            return ("momentum",) if optimizer.momentum else ()


def apply(
    optimizer: Optimizer, parameter: Tensor, gradient: Tensor, slots: Slots, t: Tensor
) -> tuple[Tensor, Slots]:
    """One update of one parameter.

    Args:
        optimizer: which, with its settings.
        parameter: what is trained, any shape.
        gradient: of the loss, same shape.
        slots: what the optimizer remembers, same shapes.
        t: number of this update, a scalar counting from 1, in the parameter's dtype.

    Returns:
        The new parameter and the new slots.
    """
    match optimizer:
        case Adam():
            return _adam(optimizer, parameter, gradient, slots, t)
        case RMSprop():
            v = torch.lerp(gradient.square(), slots["v"], optimizer.alpha)
            return parameter - optimizer.lr * gradient / (v.sqrt() + optimizer.eps), {"v": v}
        case SGD():
            if not optimizer.momentum:
                return parameter - optimizer.lr * gradient, {}
            velocity = optimizer.momentum * slots["momentum"] + gradient
            return parameter - optimizer.lr * velocity, {"momentum": velocity}


def _adam(adam: Adam, parameter: Tensor, gradient: Tensor, slots: Slots, t: Tensor) -> tuple[Tensor, Slots]:
    beta1, beta2 = adam.betas
    m = torch.lerp(gradient, slots["m"], beta1)
    v = torch.lerp(gradient.square(), slots["v"], beta2)
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return parameter - adam.lr * m_hat / (v_hat.sqrt() + adam.eps), {"m": m, "v": v}
