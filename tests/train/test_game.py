"""Training as a vector field: it is minus the gradients that plain autograd finds."""

import torch

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.models.losses import discriminator_loss, minimax_generator_loss, non_saturating_generator_loss
from genbench.models.tanh_mlp import TanhMLP
from genbench.train.game import coordinates, value_of, vector_field
from genbench.train.state import skeletons

PLANE = DataInfo("plane", (2,))
F64 = torch.float64


def setting(name, **options):
    nets = {"generator": TanhMLP(hidden=(4,)), "discriminator": TanhMLP(hidden=(3,))}
    model = models.get(name)(latent=2, **nets, **options)
    real = {net: module.double() for net, module in model.networks(PLANE).items()}
    params = {net: {n: p.detach().clone() for n, p in m.named_parameters()} for net, m in real.items()}
    draws = torch.Generator().manual_seed(1)
    x = torch.randn(16, 2, dtype=F64, generator=draws)
    z = torch.randn(16, 2, dtype=F64, generator=draws)
    return model, real, params, x, z


def by_autograd(real, x, z, of_generator):
    d = lambda x: real["D"](x).squeeze(1)  # noqa: E731
    fake = real["G"](z)
    of_judge = discriminator_loss(d(x), d(fake))
    on_d = torch.autograd.grad(of_judge, list(real["D"].parameters()), retain_graph=True)
    on_g = torch.autograd.grad(of_generator(d(fake)), list(real["G"].parameters()))
    return -torch.cat([g.flatten() for g in (*on_d, *on_g)]), -of_judge


def test_the_field_is_minus_the_gradients():
    for name, of_generator in (("gan", minimax_generator_loss), ("ns_gan", non_saturating_generator_loss)):
        model, real, params, x, z = setting(name)
        at = coordinates(model.players, params)
        buffers = {net: {} for net in params}
        field = vector_field(skeletons(model, PLANE), model.players, at, buffers, x, {"z": z})
        expected, value = by_autograd(real, x, z, of_generator)
        torch.testing.assert_close(field(at.join(params)), expected, rtol=1e-9, atol=1e-12)
        m = value_of(skeletons(model, PLANE), model.players[0], buffers, x, {"z": z})
        torch.testing.assert_close(m(params), value.detach())


def test_the_players_optimizers_and_clipping_do_not_enter_the_field():
    model = models.get("wgan")(latent=2, generator=TanhMLP(hidden=(4,)), critic=TanhMLP(hidden=(3,)))
    params = {
        net: {n: p.detach().double() for n, p in m.named_parameters()}
        for net, m in model.networks(PLANE).items()
    }
    at = coordinates(model.players, params)
    assert at.bounds[0] == model.clip
    x, z = torch.ones(4, 2, dtype=F64), torch.ones(4, 2, dtype=F64)
    field = vector_field(skeletons(model, PLANE), model.players, at, {"G": {}, "D": {}}, x, {"z": z})
    assert (at.join(params) + field(at.join(params))).abs().max() > 2 * model.clip


def test_coordinates_come_back():
    _, _, params, _, _ = setting("gan")
    at = coordinates(setting("gan")[0].players, params)
    w = at.join(params)
    assert len(w) == sum(at.players) == sum(p.numel() for t in params.values() for p in t.values())
    for net, tensors in at.split(w).items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, params[net][name])
