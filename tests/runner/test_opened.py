"""A lane as functions: the same numbers as its networks give, derivatives included."""

import pytest
import torch
from torch import nn
from torch.func import jacfwd, vmap

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchWarning
from genbench.models.conv import Conv
from genbench.models.gan import GAN
from genbench.models.mlp import MLP
from genbench.models.protocol import Batch, Nets
from genbench.models.vae import VAE
from genbench.models.wgan import WGAN
from genbench.runner.opened import generator_of, untrained_generators
from genbench.train.state import initial_state, lane_tensors, skeletons

IMAGES = DataInfo("small", (1, 8, 8))
CPU = torch.device("cpu")
SMALL = MLP(hidden=(6, 5))
MODELS = {
    "gan": GAN(latent=3, generator=MLP(hidden=(6, 5), batch_norm=True), discriminator=SMALL),
    "wgan": WGAN(latent=3, generator=SMALL, critic=SMALL),
    "vae": VAE(latent=3, encoder=SMALL, decoder=SMALL),
    "conv": GAN(latent=3, generator=Conv(channels=(4,), dense=6), discriminator=Conv(channels=(4,), dense=6)),
}


def opened(name):
    model = MODELS[name]
    state = initial_state(model, IMAGES, (7,), device=CPU)
    for tensors in state.buffers.values():
        for key, tensor in tensors.items():
            drawn = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(len(key)))
            tensor.copy_(drawn + 0.5 if key.endswith("var") else drawn / 10)
    tensors = lane_tensors(state, 0)
    nets = Nets({n: m.eval() for n, m in skeletons(model, IMAGES).items()}, tensors)
    return model, nets, generator_of(model, IMAGES, tensors, 7, CPU)


@pytest.mark.parametrize("name", MODELS)
def test_decode_is_sample_in_zero_to_one(name):
    model, nets, generator = opened(name)
    z = generator.draw(5, "here")
    assert torch.equal(generator.decode(z), (model.sample(nets, z) + 1) / 2)
    assert generator.decode(z).shape == (5, 1, 8, 8)
    assert torch.equal(z, generator.draw(5, "here"))
    assert not torch.equal(z, generator.draw(5, "there"))
    jacobian = vmap(jacfwd(lambda one: generator.decode(one[None])[0].flatten()))(z)
    step = 1e-2 * torch.eye(3)[0]
    difference = (generator.decode(z + step) - generator.decode(z - step)).flatten(1) / 0.02
    assert torch.allclose(jacobian[:, :, 0], difference, atol=1e-3)


def test_scores_are_those_of_the_model():
    x = torch.rand(4, 1, 8, 8)
    model, nets, generator = opened("gan")
    assert generator.scored_by == "discriminator"
    assert torch.equal(generator.score(x), nets.D(2 * x - 1)[:, 0])
    assert generator.encode is None
    model, nets, generator = opened("vae")
    assert generator.scored_by == "bound"
    assert torch.equal(generator.encode(x), nets.encoder(2 * x - 1)[:, :3])
    noise = {"epsilon": torch.zeros(4, 3)}
    assert torch.equal(generator.score(x), model.elbo(nets, Batch(2 * x - 1, noise)))


@pytest.mark.parametrize("name", MODELS)
def test_hidden_layers_are_named_in_order_though_one_module_is_called_twice(name):
    _, _, generator = opened(name)
    net = "decoder" if name == "vae" else "G"
    hidden = generator.networks.hidden(generator.draw(4, "z"))
    assert list(hidden) == [f"{net}.{n}" for n in range(1, len(hidden) + 1)]
    if name != "conv":
        assert [tuple(layer.shape) for layer in hidden.values()] == [(4, 6), (4, 5)]
    seen = generator.networks.seen(torch.rand(4, 1, 8, 8))
    assert all(layer.ndim == 2 for layer in seen.values())
    assert all(key.startswith("encoder." if name == "vae" else "D.") for key in seen)


@pytest.mark.parametrize("name", MODELS)
def test_a_mask_takes_units_away(name):
    _, _, generator = opened(name)
    z = generator.draw(16, "z")
    layer, output = list(generator.networks.hidden(z).items())[-1]
    ones = torch.ones(output.shape[-1])
    assert torch.equal(generator.networks.without(z, layer, ones), generator.decode(z))
    assert not torch.equal(generator.networks.without(z, layer, 0 * ones), generator.decode(z))
    constant = generator.networks.without(z, layer, 0 * ones)
    assert torch.allclose(constant, constant[:1].expand_as(constant))  # nothing of the latent is left
    with pytest.raises(ValueError, match=r"no hidden layer 'G\.9'"):
        generator.networks.without(z, "G.9", ones)


@pytest.mark.parametrize("name", MODELS)
def test_what_the_first_nonlinearity_takes_is_affine(name):
    _, _, generator = opened(name)
    a, b = generator.draw(4, "a"), generator.draw(4, "b")
    first = generator.networks.first
    assert torch.allclose(first((a + b) / 2), (first(a) + first(b)) / 2, atol=1e-6)
    assert not torch.allclose(first(a), first(b), atol=1e-3)


def test_an_untrained_model_is_as_its_seed_makes_it():
    first, second = untrained_generators(MODELS["gan"], IMAGES, (0, 1), CPU)
    z = first.draw(3, "z")
    assert not torch.equal(first.decode(z), second.decode(z))
    again = untrained_generators(MODELS["gan"], IMAGES, (1,), CPU)[0]
    assert torch.equal(again.decode(z), second.decode(z))


def test_a_latent_that_is_no_vector_is_told():
    class Odd(GAN):
        def prior(self, data):
            return super().prior(data).__class__((2, 2))

    state = initial_state(MODELS["gan"], IMAGES, (7,), device=CPU)
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        generator_of(Odd(), IMAGES, lane_tensors(state, 0), 0, CPU)
    assert untrained_generators(Odd(), IMAGES, (0,), CPU) == ()


def test_of_points_the_noise_of_drawing_them_is_no_latent():
    points = DataInfo("plane", (2,))
    vae, gan = (
        VAE(latent=3, encoder=SMALL, decoder=SMALL),
        GAN(latent=3, generator=SMALL, discriminator=SMALL),
    )
    (of_vae,), (of_gan,) = (untrained_generators(model, points, (0,), CPU) for model in (vae, gan))
    assert of_vae.latent == of_gan.latent == 3
    z = of_vae.draw(4, "z")
    assert torch.equal(of_vae.decode(z), of_vae.decode(z)) and of_vae.decode(z).shape == (4, 2)
    state = initial_state(vae, points, (0,), device=CPU)
    nets = Nets({n: m.eval() for n, m in skeletons(vae, points).items()}, lane_tensors(state, 0))
    assert torch.equal(of_vae.decode(z), nets.decoder(z)[:, :2])  # the mean of p(x|z)


def test_an_encode_that_is_something_else_is_told_and_not_used():
    class Odd(GAN):
        def encode(self, nets, x):
            return x.mean(), x.std()

    class Other(GAN):
        def encode(self, nets, x, temperature):
            return x

    for model in (Odd(latent=3, generator=SMALL, discriminator=SMALL), Other(latent=3, generator=SMALL)):
        with pytest.warns(GenbenchWarning, match=r"encode is not used: .* Rename it"):
            (opened_lane,) = untrained_generators(model, IMAGES, (0,), CPU)
        assert opened_lane.encode is None and opened_lane.latent == 3


def test_networks_without_a_module_that_is_not_linear_are_told():
    class Affine(GAN):
        def networks(self, data):
            return {
                **super().networks(data),
                "G": nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, data.shape)),
            }

        def sample(self, nets, z):
            return nets.G(z).tanh()

    (lane,) = untrained_generators(Affine(latent=3, generator=SMALL, discriminator=SMALL), IMAGES, (0,), CPU)
    with pytest.raises(ValueError, match=r"no nonlinearity that is a module, such as nn\.ReLU"):
        lane.networks.first(lane.draw(2, "z"))
    assert lane.networks.hidden(lane.draw(2, "z")) == {}
