import pytest


@pytest.fixture(scope="session")
def line():
    """The cheapest model there is: one linear network and one player. With its data, and points of it."""
    from dataclasses import dataclass

    import torch
    from torch import nn

    from genbench.core.datainfo import DataInfo
    from genbench.models.optim import Adam
    from genbench.models.protocol import Noise, Player

    @dataclass(frozen=True)
    class Line:
        version = "1"

        @property
        def players(self):
            return (Player("line", ("L",), self.loss, Adam(lr=0.1), {"e": Noise((1,))}),)

        def networks(self, data):
            return {"L": nn.Linear(data.size, 1)}

        def loss(self, nets, batch):
            return (nets.L(batch.x) - batch.noise["e"]).square().mean(), {}

    points = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    return Line(), DataInfo("plane", (2,)), points
