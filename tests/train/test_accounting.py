from itertools import pairwise

import pytest

from genbench.core.registry import models
from genbench.models.mlp import MLP
from genbench.train.accounting import flops_per_step, images_per_step, parameter_count


def linear(*widths):
    """Multiply-adds of one example through layers of these widths, each layer on its own."""
    return [a * b for a, b in pairwise(widths)]


def test_parameters_by_hand(tiny):
    n = tiny.size
    gan = models.get("gan")(latent=5, generator=MLP(hidden=(7,)), discriminator=MLP(hidden=(6, 4)))
    generator = (5 * 7 + 7) + (7 * n + n)
    judge = (n * 6 + 6) + (6 * 4 + 4) + (4 + 1)
    assert parameter_count(gan, tiny) == generator + judge
    normed = models.get("gan")(
        latent=5, generator=MLP(hidden=(7,), batch_norm=True), discriminator=MLP(hidden=(6, 4))
    )
    # no bias before batch normalization, which has a scale and a shift
    assert parameter_count(normed, tiny) == generator + judge - 7 + 2 * 7
    vae = models.get("vae")(latent=5, encoder=MLP(hidden=(6,)), decoder=MLP(hidden=(7,)))
    assert parameter_count(vae, tiny) == (n * 6 + 6) + (6 * 10 + 10) + (5 * 7 + 7) + (7 * n + n)


@pytest.mark.parametrize("judge_steps", [1, 3])
def test_operations_of_a_gan_by_hand(tiny, judge_steps):
    B, n = 4, tiny.size
    gan = models.get("gan")(
        latent=5,
        generator=MLP(hidden=(7,)),
        discriminator=MLP(hidden=(6,)),
        discriminator_steps=judge_steps,
    )
    G, D = linear(5, 7, n), linear(n, 6, 1)
    # D: G forward; D forward and gradients of weights, on real and fake; gradients of all inputs but images
    judge = sum(G) + 2 * (sum(D) + sum(D) + sum(D[1:]))
    # G: both forward; gradients of D's inputs; gradients of G's weights and of its inputs but z
    generator = sum(G) + sum(D) + sum(D) + sum(G) + sum(G[1:])
    assert flops_per_step(gan, tiny, B) == 2 * B * (judge_steps * judge + generator)


def test_operations_of_a_vae_by_hand(tiny):
    B, n = 4, tiny.size
    vae = models.get("vae")(latent=5, encoder=MLP(hidden=(6, 3)), decoder=MLP(hidden=(7,)))
    layers = linear(n, 6, 3, 10) + linear(5, 7, n)
    assert flops_per_step(vae, tiny, B) == 2 * B * (3 * sum(layers) - layers[0])


@pytest.mark.run
def test_operations_are_proportional_to_the_batch(tiny, small):
    for name in models.names():
        model = small(name)
        assert flops_per_step(model, tiny, 32) == 4 * flops_per_step(model, tiny, 8) > 0


def test_images_of_a_step():
    images = {name: images_per_step(models.get(name)(), 16) for name in ("gan", "ns_gan", "wgan", "vae")}
    assert images == {"gan": 16, "ns_gan": 16, "wgan": 5 * 16, "vae": 16}
    assert images_per_step(models.get("gan")(discriminator_steps=3), 16) == 48
