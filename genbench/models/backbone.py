"""The backbones a suite can name: what any network of any model can be built of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from genbench.models.conv import Conv
from genbench.models.mlp import MLP
from genbench.models.tanh_mlp import TanhMLP

Backbone = Annotated[MLP | Conv | TanhMLP, Field(discriminator="name")]
