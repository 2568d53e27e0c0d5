import pytest
import torch
from torch import nn

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.models.mlp import MLP
from genbench.models.normalization import BatchNorm
from genbench.suite.options import build

MNIST = (1, 28, 28)


def widths(network):
    layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
    return [(layer.in_features, layer.out_features) for layer in layers]


def test_the_networks_that_a_suite_writes_as_100_256_512_784_and_784_512_256_1():
    options = {"latent": 100, "generator": {"hidden": [256, 512]}, "discriminator": {"hidden": [512, 256]}}
    model, _ = build(models.get("gan"), options, "model")
    networks = model.networks(DataInfo("mnist", MNIST))
    assert widths(networks["G"]) == [(100, 256), (256, 512), (512, 784)]
    assert widths(networks["D"]) == [(784, 512), (512, 256), (256, 1)]


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


def test_a_network_is_its_formula():
    """Decoders have ReLU between their layers, encoders LeakyReLU(0.2); nothing follows the last."""
    torch.manual_seed(0)
    for network, x, leak in (
        (MLP(hidden=(8,)).decoder(4, (1, 2, 2)), torch.randn(9, 4), 0.0),
        (MLP(hidden=(8,)).encoder((1, 2, 2), 3), torch.randn(9, 1, 2, 2), 0.2),
    ):
        first, last = (m for m in network.modules() if isinstance(m, nn.Linear))
        hidden = x.flatten(1) @ first.weight.T + first.bias
        expected = torch.where(hidden > 0, hidden, leak * hidden) @ last.weight.T + last.bias
        torch.testing.assert_close(network(x).flatten(1), expected)
