import pytest
import torch
from torch import nn

from genbench.core.registry import models
from genbench.models.mlp import MLP
from genbench.models.normalization import BatchNorm
from genbench.suite.options import build

MNIST = (1, 28, 28)


def widths(network):
    layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
    return [(layer.in_features, layer.out_features) for layer in layers]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_networks_100_256_784_and_784_256_1(batch_norm):
    backbone = MLP(hidden=(256,), batch_norm=batch_norm)
    assert widths(backbone.decoder(100, MNIST)) == [(100, 256), (256, 784)]
    assert widths(backbone.encoder(MNIST, 1)) == [(784, 256), (256, 1)]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_networks_100_256_512_784_and_784_512_256_1(batch_norm):
    decoder = MLP(hidden=(256, 512), batch_norm=batch_norm).decoder(100, MNIST)
    encoder = MLP(hidden=(512, 256), batch_norm=batch_norm).encoder(MNIST, 1)
    assert widths(decoder) == [(100, 256), (256, 512), (512, 784)]
    assert widths(encoder) == [(784, 512), (512, 256), (256, 1)]


@pytest.mark.parametrize("name", ["gan", "ns_gan"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_suite_can_write_them(name, batch_norm, tiny):
    options = {
        "latent": 100,
        "generator": {"hidden": [256, 512], "batch_norm": batch_norm},
        "discriminator": {"hidden": [512, 256], "batch_norm": batch_norm},
    }
    model, _ = build(models.get(name), options, "model")
    networks = model.networks(tiny)
    assert widths(networks["G"]) == [(100, 256), (256, 512), (512, tiny.size)]
    assert widths(networks["D"]) == [(tiny.size, 512), (512, 256), (256, 1)]
    norms = [sum(isinstance(m, BatchNorm) for m in networks[n].modules()) for n in "GD"]
    assert norms == ([2, 2] if batch_norm else [0, 0])


@pytest.mark.parametrize("batch_norm", [False, True])
def test_batch_norm_follows_every_hidden_layer_and_never_the_last(batch_norm):
    backbone = MLP(hidden=(5, 6, 7), batch_norm=batch_norm)
    for network in (backbone.decoder(4, MNIST), backbone.encoder(MNIST, 2)):
        norms = [m for m in network.modules() if isinstance(m, BatchNorm)]
        assert [len(norm.weight) for norm in norms] == ([5, 6, 7] if batch_norm else [])
        *hidden, last = (m for m in network.modules() if isinstance(m, nn.Linear))
        assert last.bias is not None
        assert all((layer.bias is None) == batch_norm for layer in hidden)


def test_shapes():
    backbone = MLP(hidden=(8,))
    assert backbone.decoder(4, (3, 5, 7))(torch.zeros(2, 4)).shape == (2, 3, 5, 7)
    assert backbone.encoder((3, 5, 7), 6)(torch.zeros(2, 3, 5, 7)).shape == (2, 6)


def test_hidden_layers_are_not_linear_and_outputs_are_not_squashed():
    torch.manual_seed(0)
    for network, shape in (
        (MLP(hidden=(8,)).decoder(4, (1, 2, 2)), (1, 4)),
        (MLP(hidden=(8,)).encoder((1, 2, 2), 1), (1, 1, 2, 2)),
    ):
        x = torch.randn(shape)
        assert not torch.allclose(network(x) + network(-x), 2 * network(torch.zeros(shape)), atol=1e-3)
        assert network(1e6 * x).abs().max() > 1e3
