"""The backbones a suite can name: what any network of any model can be built of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from genbench.models.conv import Conv
from genbench.models.mlp import MLP

Backbone = Annotated[MLP | Conv, Field(discriminator="name")]
