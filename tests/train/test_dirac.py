"""The Dirac-GAN through the training's own losses and update, against Mescheder et al. 2018."""

import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch.func import jacrev

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.metrics.games import alternating_rate, dirac_eigenvalues, measured_rate, simultaneous_rate
from genbench.models import adversarial
from genbench.models.losses import discriminator_loss
from genbench.models.optim import SGD, Adam
from genbench.models.protocol import Noise
from genbench.train.dirac import POINT, dirac_of
from genbench.train.game import generator_and_judge

F64 = torch.float64
H = SGD(lr=0.1)
SLOPES = {"gan": 0.5, "ns_gan": 0.5, "wgan": 1.0}


def made(name, h=H, **options):
    if name == "wgan":
        return models.get(name)(
            critic_optimizer=h, generator_optimizer=h, **{"critic_steps": 1, "clip": 1e9, **options}
        )
    return models.get(name)(discriminator_optimizer=h, generator_optimizer=h, **options)


@dataclass(frozen=True)
class Penalized:
    """The minimax GAN with R1, or a game of another loss; only for these tests."""

    loss: str = "gan"
    gamma: float = 0.0
    h: Any = H

    version = "test"

    def prior(self, data):
        return Noise((1,))

    @property
    def players(self):
        return adversarial.game(
            judge="discriminator", judge_loss=self.judge_loss, judge_optimizer=self.h, judge_steps=1,
            generator_loss=self.generator_loss, generator_optimizer=self.h, prior=Noise((1,)),
        )  # fmt: skip

    def networks(self, data):
        return {"G": torch.nn.Linear(1, 1), "D": torch.nn.Linear(1, 1)}

    def sample(self, nets, z):
        return nets.G(z)

    def judge(self, nets, x):
        return adversarial.judge(nets, x)

    def judge_loss(self, nets, batch):
        real = self.judge(nets, batch.x)
        fake = self.judge(nets, self.sample(nets, batch.noise["z"]))
        slope = torch.func.grad(lambda x: self.judge(nets, x).sum())(batch.x)
        penalty = self.gamma / 2 * slope.square().sum(1).mean()
        match self.loss:
            case "gan":
                return discriminator_loss(real, fake) + penalty, {}
            case "hinge":
                return (1 - real).relu().mean() + (1 + fake).relu().mean() + penalty, {}
            case _:  # least squares with targets 0 and 1 of D + 1/2
                return (real - 0.5).square().mean() + (fake + 0.5).square().mean() + penalty, {}

    def generator_loss(self, nets, batch):
        fake = self.judge(nets, self.sample(nets, batch.noise["z"]))
        match self.loss:
            case "gan":
                return -torch.nn.functional.softplus(fake).mean(), {}
            case "hinge":
                return -fake.mean(), {}
            case _:
                return (fake - 0.5).square().mean(), {}


def leading(dirac):
    found = torch.linalg.eigvals(jacrev(dirac.field)(torch.zeros(2, dtype=F64)))
    return max((complex(x) for x in found.tolist()), key=lambda x: (x.real, x.imag))


def test_every_adversarial_model_is_here():
    """A model that is added needs its slope in this file."""
    assert {n for n in models.names() if len(models.get(n)().players) == 2} == set(SLOPES)


@pytest.mark.parametrize(("name", "slope"), SLOPES.items())
def test_eigenvalues_of_every_loss(name, slope):
    """Imaginary: no exponential rate leads in. Whether terms of higher order do is not said."""
    dirac = dirac_of(made(name), POINT)
    assert dirac.slopes == pytest.approx((-slope, slope), abs=1e-12)
    assert leading(dirac) == pytest.approx(slope * 1j, abs=1e-5)
    assert leading(dirac) == pytest.approx(dirac_eigenvalues(*dirac.slopes), abs=1e-5)


@pytest.mark.parametrize("loss", ["hinge", "least squares"])
def test_eigenvalues_of_other_losses(loss):
    assert leading(dirac_of(Penalized(loss), POINT)) == pytest.approx(1j, abs=1e-5)


@pytest.mark.parametrize(
    ("loss", "slope", "gamma"), [("gan", 0.5, 0.3), ("gan", 0.5, 3.0), ("hinge", 1.0, 1.0)]
)
def test_eigenvalues_with_a_gradient_penalty(loss, slope, gamma):
    """-gamma/2 +- sqrt(gamma^2/4 - f'(0)^2); the penalty is gamma/2 times the squared norm."""
    dirac = dirac_of(Penalized(loss, gamma), POINT)
    assert leading(dirac) == pytest.approx(dirac_eigenvalues(-slope, slope, gamma), abs=1e-5)


def test_the_field_is_the_papers():
    """v = (-psi f'(psi theta), theta f'(psi theta)) with f(t) = -ln(1 + e^-t), psi counted the other way."""
    theta, psi = 0.7, -1.3
    slope = 1 / (1 + math.exp(-psi * theta))
    field = dirac_of(made("gan"), POINT).field(torch.tensor([theta, psi], dtype=F64))
    assert field.tolist() == pytest.approx([psi * slope, -theta * slope], abs=1e-12)


def play(model, start, rounds):
    at_once, in_turn = dirac_of(model, POINT).play(torch.tensor([start], dtype=F64), rounds)
    assert at_once.shape == in_turn.shape == (rounds + 1, 1)
    return at_once[:, 0], in_turn[:, 0]


@pytest.mark.parametrize(("name", "slope"), [("gan", 0.5), ("wgan", 1.0)])
def test_a_small_radius_grows_as_predicted(name, slope):
    at_once, in_turn = play(made(name), (1e-9, 0.0), 150)
    turn = dirac_of(made(name), POINT).turn
    assert turn == pytest.approx((0.1 * slope) ** 2)
    assert measured_rate(at_once, 1e-3) == pytest.approx(math.log(math.sqrt(1 + turn)), abs=1e-6)
    assert measured_rate(at_once, 1e-3) == pytest.approx(simultaneous_rate(turn), abs=1e-6)
    assert measured_rate(in_turn, 1e-3) == pytest.approx(alternating_rate(turn), abs=1e-3)


@pytest.mark.run
def test_several_updates_a_round_and_unequal_rates_count_as_their_product():
    model = made("wgan", SGD(lr=0.02), critic_steps=3)
    model = replace(model, critic_optimizer=SGD(lr=0.1))
    assert dirac_of(model, POINT).turn == pytest.approx(3 * 0.02 * 0.1)
    at_once, _ = play(model, (1e-9, 0.0), 486)  # the later half is three turns
    assert measured_rate(at_once, 1e-3) == pytest.approx(simultaneous_rate(0.006), abs=1e-4)


@pytest.mark.run
def test_alternating_steps_explode_beyond_their_limit():
    """h^2 a^2 = 4."""
    _, inside = play(made("wgan", SGD(lr=1.9)), (1e-9, 0.0), 80)
    _, outside = play(made("wgan", SGD(lr=2.1)), (1e-9, 0.0), 80)
    assert float(inside.max()) < 1e-8
    assert float(outside[-1]) > 1


@pytest.mark.run
def test_a_gradient_penalty_converges():
    at_once, in_turn = play(Penalized("gan", 1.0), (1.0, 1.0), 450)
    assert float(at_once[-1]) < 1e-6
    assert float(in_turn[-1]) < 1e-6


def test_clipping_is_played():
    """The judge's parameter stays inside; the generator is pushed round by what is left of it."""
    _, held = play(made("wgan", clip=0.01), (1.0, 0.0), 30)
    assert held.tolist() == pytest.approx(_by_hand(30), abs=1e-9)


def _by_hand(rounds, h=0.1, clip=0.01):
    theta, psi, radii = 1.0, 0.0, [1.0]
    for _ in range(rounds):
        psi = min(max(psi - h * theta, -clip), clip)
        theta += h * psi
        radii.append(math.hypot(theta, psi))
    return radii


def test_optimizers_keep_what_they_remember():
    """Adam by hand, in turn, on the game whose gradients are -psi and theta."""
    adam = Adam(lr=0.05, betas=(0.9, 0.99))
    _, in_turn = play(made("wgan", adam), (0.5, 0.2), 40)
    theta, psi = (torch.tensor([x], dtype=F64, requires_grad=True) for x in (0.5, 0.2))
    of_theta, of_psi = (torch.optim.Adam([p], lr=0.05, betas=(0.9, 0.99)) for p in (theta, psi))
    radii = [math.hypot(0.5, 0.2)]
    for _ in range(40):
        psi.grad, theta.grad = theta.detach().clone(), None
        of_psi.step()
        theta.grad = -psi.detach().clone()
        of_theta.step()
        radii.append(math.hypot(theta.item(), psi.item()))
    assert in_turn.tolist() == pytest.approx(radii, abs=1e-9)
    assert dirac_of(made("wgan", adam), POINT).turn is None


def test_who_has_no_game():
    assert dirac_of(models.get("vae")(), POINT) == "a single objective: no game"

    @dataclass(frozen=True)
    class Solo(Penalized):
        @property
        def players(self):
            return (*super().players, super().players[0])

    assert "3 players" in dirac_of(Solo(), POINT)


@pytest.mark.parametrize("name", SLOPES)
def test_players_are_known_by_what_they_train(name, tiny):
    generator, judge = generator_and_judge(made(name), tiny)
    assert generator.trains == ("G",)
    assert judge.trains == ("D",)


def test_a_model_of_images_is_played_too(small):
    dirac = dirac_of(small("gan", backbone="conv"), DataInfo("any", (1, 12, 12)))
    assert dirac.slopes == pytest.approx((-0.5, 0.5))
