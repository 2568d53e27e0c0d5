"""Optimizers as a suite names them. Their arithmetic is in ``genbench.train.optimizers``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt
from pydantic import ConfigDict, Field

FORBID_UNKNOWN = ConfigDict(extra="forbid")
"""For every table of options: a misspelt one is an error."""

Rate = Annotated[float, Gt(0)]
Decay = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1), bias-corrected."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: Literal["adam"] = "adam"
    lr: Rate = 2e-4
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    eps: Rate = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class RMSprop:
    """RMSprop (Hinton 2012, lecture 6e), as torch.optim has it: eps outside the root."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: Literal["rmsprop"] = "rmsprop"
    lr: Rate = 5e-5
    alpha: Decay = 0.99
    eps: Rate = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class SGD:
    """Stochastic gradient descent, with heavy-ball momentum."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: Literal["sgd"] = "sgd"
    lr: Rate = 1e-2
    momentum: Decay = 0.0


Optimizer = Annotated[Adam | RMSprop | SGD, Field(discriminator="name")]
