"""The game of a lane: what rotates, what does not, and what cannot be had."""

import math

import pytest
import torch

from genbench.core.registry import datasets, models
from genbench.measures.dirac import DiracGAN
from genbench.measures.evidence import Evidence, Final, Reference
from genbench.measures.game import Game, NoGameError
from genbench.measures.rotation import MOST_PARAMETERS, Rotation
from genbench.models.tanh_mlp import TanhMLP
from genbench.runner.game import dirac_game, lane_game
from genbench.train.state import initial_state

SMALL = TanhMLP(hidden=(4,))
GAN = {"generator": SMALL, "discriminator": SMALL, "latent": 2}
NONE = torch.zeros(0, 2)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ring():
    return Reference(datasets.get("ring")().load(), CPU)


def game_of(ring, model, change=lambda t: t):
    state = initial_state(model, ring.dataset.info, [3], device=CPU)
    params = {net: {n: change(t[0]) for n, t in tensors.items()} for net, tensors in state.params.items()}
    return lane_game(model, ring.dataset, params, {net: {} for net in params}, 3)


def rotation(ring, game):
    found = {r.column.metric.split(".")[1]: r for r in Rotation()(Evidence(ring, NONE, game=lambda: game))}
    assert list(found) == ["index", "max_real", "asymmetry", "gradient", "duality_gap"]
    for reading in found.values():
        assert (reading.value is None) == bool(reading.reason)
    return found


def test_a_single_objective_does_not_rotate(ring):
    vae = models.get("vae")(latent=2, encoder=SMALL, decoder=SMALL)
    found = rotation(ring, game_of(ring, vae))
    assert found["index"].value == 0
    assert found["asymmetry"].value < 1e-10
    assert found["gradient"].value > 0
    assert found["duality_gap"].value is None
    assert found["duality_gap"].reason == "a single objective: no game"


def test_a_gan_rotates(ring):
    found = rotation(ring, game_of(ring, models.get("ns_gan")(**GAN)))
    assert 0 < found["index"].value < 1
    assert found["asymmetry"].value > 0.1
    assert found["duality_gap"].value > 0
    assert found["duality_gap"].protocol["steps"] == 100
    again = rotation(ring, game_of(ring, models.get("ns_gan")(**GAN)))
    assert {k: r.value for k, r in again.items()} == {k: r.value for k, r in found.items()}


def test_both_gans_are_valued_by_the_minimax_game(ring):
    """The non-saturating generator trains with another loss, and its gap is that of the same M."""
    gaps = [game_of(ring, models.get(name)(**GAN)).saddle for name in ("gan", "ns_gan")]
    values = [float(s.train(s.u, s.v)) for s in gaps]
    assert values[0] == values[1]
    assert values[0] == pytest.approx(-2 * math.log(2), abs=0.2)
    assert not torch.equal(gaps[0].train(gaps[0].u, gaps[0].v), gaps[0].held_out(gaps[0].u, gaps[0].v))


def test_networks_that_are_too_large_say_how_to_make_them_smaller(ring):
    large = TanhMLP(hidden=(40, 40))
    model = models.get("gan")(latent=2, generator=large, discriminator=large)
    game = game_of(ring, model)
    assert len(game.w) > MOST_PARAMETERS
    found = rotation(ring, Game(game.w, game.field, game.bound, None, game.n))
    for name in ("index", "max_real", "asymmetry"):
        assert "2,000 at most" in found[name].reason
        assert "hidden = [8, 8]" in found[name].reason
    assert found["gradient"].value > 0


def test_a_lane_that_is_not_finite_has_reasons(ring):
    found = rotation(ring, game_of(ring, models.get("gan")(**GAN), lambda t: torch.full_like(t, math.nan)))
    assert all(reading.value is None for reading in found.values())


def test_parameters_that_clipping_holds_are_left_out(ring):
    w = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
    turn = torch.tensor([[0.0, 0.0, 5.0], [0.0, -1.0, 0.0], [-5.0, 0.0, 0.0]], dtype=torch.float64)

    def field(x):  # outwards at w, in the first coordinate
        return turn @ (x - w) + torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)

    bound = torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64)
    held = rotation(ring, Game(w, field, bound, None, 1))
    assert held["index"].value == 0
    free = rotation(ring, Game(w, field, bound * math.inf, None, 1))
    assert free["index"].value == pytest.approx(10 / 11)
    assert free["max_real"].value == pytest.approx(0)
    pinned = rotation(ring, Game(w[:1], lambda x: x * 1.0, bound[:1], None, 1))
    assert pinned["index"].reason == "clipping holds every parameter at its bound"


def test_a_flat_field_has_no_index(ring):
    flat = Game(torch.zeros(2).double(), lambda x: 0 * x, torch.full((2,), math.inf), None, 1)
    found = rotation(ring, flat)
    assert "zero" in found["index"].reason
    assert "zero" in found["asymmetry"].reason
    assert found["max_real"].value == 0


def test_rotation_is_final_and_has_no_control_rows(ring):
    assert isinstance(Rotation(), Final)
    assert list(Rotation()(Evidence(ring, NONE))) == []
    assert list(Rotation().anchor("untrained", ring, 0)) == []


def dirac(ring, model):
    evidence = Evidence(ring, NONE, dirac=lambda: dirac_game(model, ring.dataset))
    found = list(DiracGAN()(evidence))
    assert tuple(r.column for r in found) == DiracGAN.columns
    return {r.column.metric.split(".")[1]: r for r in found}


def test_a_model_without_a_game_has_dashes(ring):
    vae = models.get("vae")()
    with pytest.raises(NoGameError):
        dirac_game(vae, ring.dataset)
    found = dirac(ring, vae)
    assert {r.reason for r in found.values()} == {"a single objective: no game"}
    assert {r.value for r in found.values()} == {None}
    assert list(DiracGAN()(Evidence(ring, NONE))) == []


def test_plain_descent_has_a_formula_and_adam_has_not(ring, monkeypatch):
    from genbench.measures import dirac as module
    from genbench.models.optim import SGD, Adam

    monkeypatch.setattr(module, "ROUNDS", 150)
    sgd = SGD(lr=0.1)
    found = dirac(
        ring, models.get("wgan")(critic_optimizer=sgd, generator_optimizer=sgd, critic_steps=1, clip=1)
    )
    assert found["predicted_imaginary"].value == pytest.approx(1)
    assert found["measured_imaginary"].value == pytest.approx(1, abs=1e-9)
    assert found["measured_real"].value == pytest.approx(0, abs=1e-9)
    formula = 500 * math.log(1.01)
    assert found["rate_simultaneous_predicted"].value == pytest.approx(formula)
    assert found["rate_simultaneous"].value == pytest.approx(formula, abs=1e-3)
    assert found["rate_alternating_predicted"].value == 0
    assert 0.5 < found["radius_alternating"].value < 1.1
    adam = Adam(lr=0.01, betas=(0.0, 0.999))
    found = dirac(ring, models.get("gan")(discriminator_optimizer=adam, generator_optimizer=adam))
    assert found["measured_imaginary"].value == pytest.approx(0.5)
    assert "only plain SGD" in found["rate_simultaneous_predicted"].reason
    assert "do not shrink with the gradient" in found["rate_alternating"].reason
    assert 0 < found["radius_alternating"].value < 1
