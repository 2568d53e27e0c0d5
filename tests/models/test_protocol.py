import pytest
import torch
from torch import nn

from genbench.models.protocol import Nets


class Spy(nn.Linear):
    seen = None

    def forward(self, x):
        Spy.seen = (x.dtype, self.weight.dtype, self.bias.dtype)
        return super().forward(x)


@pytest.fixture
def tensors():
    return {"G": {"weight": torch.full((1, 2), 3.0), "bias": torch.ones(1)}}


@pytest.fixture
def modules():
    with torch.device("meta"):
        return {"G": Spy(2, 1)}


def test_the_lanes_own_parameters_are_used(modules, tensors):
    assert Nets(modules, tensors).G(torch.tensor([[1.0, 2.0]])).item() == 10
    assert Spy.seen == (torch.float32,) * 3


@pytest.mark.parametrize("master", [torch.float32, torch.float64])
def test_compute_is_low_and_losses_are_not(modules, tensors, master):
    tensors = {"G": {name: t.to(master) for name, t in tensors["G"].items()}}
    out = Nets(modules, tensors, torch.bfloat16).G(torch.tensor([[1.0, 2.0]], dtype=master))
    assert Spy.seen == (torch.bfloat16,) * 3
    assert out.dtype == master
    assert out.item() == 10


def test_gradients_reach_the_master_parameters(modules, tensors):
    weight = tensors["G"]["weight"].requires_grad_()
    Nets(modules, tensors, torch.bfloat16).G(torch.tensor([[1.0, 2.0]])).sum().backward()
    assert weight.grad.dtype == torch.float32
    assert weight.grad.tolist() == [[1, 2]]


def test_a_network_that_is_not_there(modules, tensors):
    with pytest.raises(AttributeError, match="no network 'D'; this model has G"):
        _ = Nets(modules, tensors).D
