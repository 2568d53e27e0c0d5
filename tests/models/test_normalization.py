import pytest
import torch
from torch import nn

from genbench.core.registry import models
from genbench.models.normalization import BatchNorm


@pytest.fixture
def pair():
    """Ours and torch's with the same parameters and statistics."""
    torch.manual_seed(0)
    ours, torchs = BatchNorm(5).double(), nn.BatchNorm1d(5).double()
    with torch.no_grad():
        for mine, theirs in ((ours.weight, torchs.weight), (ours.bias, torchs.bias)):
            mine.copy_(theirs.copy_(torch.randn(5)))
        ours.standing_mean.copy_(torchs.running_mean.copy_(torch.randn(5)))
        ours.standing_var.copy_(torchs.running_var.copy_(torch.rand(5)))
    return ours, torchs


def test_training_is_torchs(pair):
    ours, torchs = pair
    x = (3 * torch.randn(16, 5, dtype=torch.float64) + 7).requires_grad_()
    torch.testing.assert_close(ours(x), torchs(x), rtol=1e-12, atol=1e-12)
    weights = torch.randn(16, 5, dtype=torch.float64)
    gradients = [
        torch.autograd.grad((net(x) * weights).sum(), [x, net.weight, net.bias]) for net in (ours, torchs)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_evaluation_is_torchs(pair):
    ours, torchs = (net.eval() for net in pair)
    x = torch.randn(16, 5, dtype=torch.float64)
    torch.testing.assert_close(ours(x), torchs(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ours(x)[:1], ours(x[:1]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_images_are_normalized_by_channel(pair, training):
    """Ours have their channels last."""
    ours, flat = pair
    torchs = nn.BatchNorm2d(5).double().train(training)
    torchs.load_state_dict(flat.state_dict())
    x = 2 * torch.randn(3, 4, 6, 5, dtype=torch.float64) - 1
    expected = torchs(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    torch.testing.assert_close(ours.train(training)(x), expected, rtol=1e-12, atol=1e-12)


def test_training_remembers_nothing(pair):
    ours, _ = pair
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    ours(torch.randn(16, 5, dtype=torch.float64))
    torch.testing.assert_close(dict(ours.state_dict()), before, rtol=0, atol=0)


def test_statistics_of_bfloat16_are_not_computed_in_bfloat16():
    # 100.2 lies between two numbers of bfloat16, 100 and 100.5
    x = (100.2 + torch.randn(4096, 1, generator=torch.Generator().manual_seed(0))).to(torch.bfloat16)
    out = BatchNorm(1)(x).detach()
    assert out.dtype == torch.bfloat16
    assert out.float().mean().abs() < 1e-2
    assert out.float().std() == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", models.names())
def test_small_eps_in_every_registered_network(name, small, tiny):
    """A well-known GAN code sets eps = 0.8, which leaves most layers all but unnormalized."""
    for network in small(name, batch_norm=True).networks(tiny).values():
        for module in network.modules():
            if isinstance(module, BatchNorm):
                # the variance that comes out of v is v / (v + eps)
                x = torch.tensor([-0.1, 0.1]).repeat(8)[:, None].expand(-1, len(module.weight))
                assert module.train()(x).square().mean() >= 0.01 / (0.01 + 1e-3)
            assert getattr(module, "eps", 0) <= 1e-3
