import pytest
import torch
from torch import nn
from torch.func import vmap

from genbench.core.errors import SuiteError
from genbench.models.conv import INIT_STD, Conv
from genbench.models.convolution import Down, Up
from genbench.models.mlp import MLP
from genbench.models.normalization import BatchNorm


def filled(layer):
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer.double()


@pytest.mark.parametrize(("channels", "features", "bias"), [(1, 1, False), (3, 5, True)])
def test_down_is_a_strided_convolution(channels, features, bias):
    down = filled(Down(channels, features, bias=bias))
    x = torch.randn(2, 8, 12, channels, dtype=torch.float64, requires_grad=True)
    taps = down.weight.view(2, 2, 2, 2, channels, features)  # cell row, cell column, pixel row, pixel column
    kernel = taps.permute(5, 4, 0, 2, 1, 3).reshape(features, channels, 4, 4)
    expected = nn.functional.conv2d(x.permute(0, 3, 1, 2), kernel, down.bias, stride=2, padding=1)
    y = down(x)
    assert y.shape == (2, 4, 6, features)
    torch.testing.assert_close(y, expected.permute(0, 2, 3, 1), rtol=1e-12, atol=1e-12)
    slope = torch.randn_like(y)
    ours = torch.autograd.grad(y, (x, down.weight), slope)
    theirs = torch.autograd.grad(expected.permute(0, 2, 3, 1), (x, down.weight), slope)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("channels", "features", "bias"), [(1, 1, False), (3, 5, True)])
def test_up_is_a_transposed_convolution(channels, features, bias):
    up = filled(Up(channels, features, bias=bias))
    x = torch.randn(2, 4, 6, channels, dtype=torch.float64, requires_grad=True)
    taps = up.weight.view(channels, 2, 2, 2, 2, features)
    kernel = taps.permute(0, 5, 1, 3, 2, 4).reshape(channels, features, 4, 4)
    expected = nn.functional.conv_transpose2d(x.permute(0, 3, 1, 2), kernel, up.bias, stride=2, padding=1)
    y = up(x)
    assert y.shape == (2, 8, 12, features)
    torch.testing.assert_close(y, expected.permute(0, 2, 3, 1), rtol=1e-12, atol=1e-12)
    slope = torch.randn_like(y)
    ours = torch.autograd.grad(y, (x, up.weight), slope)
    theirs = torch.autograd.grad(expected.permute(0, 2, 3, 1), (x, up.weight), slope)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


def test_lanes_are_apart():
    lanes = [filled(Down(2, 3)) for _ in range(3)]
    params = {
        k: torch.stack([dict(lane.named_parameters())[k] for lane in lanes]) for k in ("weight", "bias")
    }
    x = torch.randn(3, 2, 4, 4, 2, dtype=torch.float64)
    together = vmap(lambda p, y: torch.func.functional_call(lanes[0], p, (y,)))(params, x)
    for lane, y, alone in zip(lanes, together, x, strict=True):
        torch.testing.assert_close(y, lane(alone), rtol=1e-12, atol=1e-12)


def test_the_networks_of_the_study():
    """Lucic et al. 2018: sizes of every weight, and biases only before what has no normalization."""
    decoder = Conv(batch_norm=True).decoder(64, (1, 28, 28))
    assert [tuple(p.shape) for p in decoder.parameters()] == [
        (1024, 64), (1024,), (1024,),
        (6272, 1024), (6272,), (6272,),
        (128, 16 * 64), (64,), (64,),
        (64, 16 * 1), (1,),
    ]  # fmt: skip
    encoder = Conv().encoder((1, 28, 28), 1)
    assert [tuple(p.shape) for p in encoder.parameters()] == [
        (16 * 1, 64), (64,), (16 * 64, 128), (128,), (1024, 6272), (1024,), (1, 1024), (1,),
    ]  # fmt: skip
    normed = [m for m in Conv(batch_norm=True).encoder((1, 28, 28), 1).modules() if isinstance(m, BatchNorm)]
    assert len(normed) == 2  # not after the first layer, not after the last


@pytest.mark.parametrize(("shape", "batch_norm"), [((1, 28, 28), True), ((2, 8, 12), False)])
def test_shapes(shape, batch_norm):
    backbone = Conv(channels=(4, 6), dense=8, batch_norm=batch_norm)
    assert backbone.decoder(5, shape)(torch.randn(3, 5)).shape == (3, *shape)
    assert backbone.encoder(shape, 7)(torch.randn(3, *shape)).shape == (3, 7)


def test_initial_weights():
    torch.manual_seed(0)
    encoder = Conv().encoder((1, 28, 28), 1)
    for name, parameter in encoder.named_parameters():
        if name.endswith("bias"):
            assert (parameter == 0).all()
        elif parameter.numel() > 1000:
            assert parameter.std().item() == pytest.approx(INIT_STD, rel=0.1)
            assert abs(parameter.mean().item()) < 3 * INIT_STD / parameter.numel() ** 0.5 + 1e-4


@pytest.mark.parametrize(
    ("shape", "channels", "words"),
    [
        ((2,), (64, 128), ["for images", "mlp backbone"]),
        ((1, 28, 28), (8, 16, 32), ["28 x 28", "divided by 8", "fewer channels"]),
        ((1, 28, 27), (8, 16), ["28 x 27"]),
    ],
)
def test_data_that_does_not_fit(shape, channels, words):
    for build in (lambda c: c.decoder(4, shape), lambda c: c.encoder(shape, 1)):
        with pytest.raises(SuiteError) as told:
            build(Conv(channels=channels))
        assert all(word in str(told.value) for word in words)


def test_options_in_a_suite():
    from genbench.core.registry import models
    from genbench.suite.options import build

    model, options = build(models.get("ns_gan"), {"generator": {"name": "conv", "dense": 64}}, "model[0]")
    assert model.generator == Conv(dense=64)
    assert isinstance(model.discriminator, MLP)
    assert options["generator"]["channels"] == [64, 128]
    with pytest.raises(SuiteError, match=r"model\[0\]"):
        build(models.get("ns_gan"), {"generator": {"name": "conv", "hidden": [3]}}, "model[0]")
    with pytest.raises(SuiteError, match="mlp"):
        build(models.get("vae"), {"encoder": {"name": "cnn"}}, "model[0]")
