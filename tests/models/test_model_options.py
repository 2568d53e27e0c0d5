"""The fields of every registered model are its options, and they are checked."""

from dataclasses import fields, is_dataclass

import pytest

from genbench.core.errors import SuiteError
from genbench.core.registry import models
from genbench.models.optim import SGD, Adam, RMSprop
from genbench.suite.options import build

OPTIMIZERS = {
    "adam": (Adam, {"lr": 0.01, "betas": [0.0, 0.9], "eps": 1e-6}),
    "rmsprop": (RMSprop, {"lr": 0.01, "alpha": 0.9}),
    "sgd": (SGD, {"lr": 0.01, "momentum": 0.5}),
}


def optimizer_options(name):
    model = models.get(name)()
    return [f.name for f in fields(model) if isinstance(getattr(model, f.name), Adam | RMSprop | SGD)]


@pytest.mark.parametrize("name", models.names())
def test_defaults_are_valid_and_survive_being_written_down(name):
    kind = models.get(name)
    assert is_dataclass(kind)
    model, written = build(kind, {}, "model")
    assert model == kind()
    assert build(kind, written, "model") == (model, written)


@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_player_takes_each_optimizer(name, optimizer):
    kind, settings = OPTIMIZERS[optimizer]
    options = optimizer_options(name)
    assert options
    for option in options:
        model, _ = build(models.get(name), {option: {"name": optimizer, **settings}}, "model")
        chosen = getattr(model, option)
        assert type(chosen) is kind
        assert chosen.lr == 0.01
        others = [getattr(model, other) for other in options if other != option]
        assert [p.optimizer for p in model.players if p.optimizer is chosen] == [chosen]
        assert all(any(p.optimizer == other for p in model.players) for other in others)


@pytest.mark.parametrize("name", models.names())
def test_what_no_model_takes(name):
    kind = models.get(name)
    with pytest.raises(SuiteError, match="latnet"):
        build(kind, {"latnet": 3}, "model")
    for option in optimizer_options(name):
        for wrong in ({"lr": 0.0}, {"lr": -1.0}, {"lr": float("nan")}, {"name": "adagrad"}, {"rate": 0.1}):
            with pytest.raises(SuiteError, match=option):
                build(kind, {option: wrong}, "model")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gan", {"latent": 0}),
        ("gan", {"latent": 2.5}),
        ("gan", {"latent": "100"}),
        ("gan", {"discriminator_steps": 0}),
        ("gan", {"generator": {"hidden": []}}),
        ("gan", {"generator": {"hidden": [256, 0]}}),
        ("gan", {"generator": {"widths": [256]}}),
        ("gan", {"generator": {"batch_norm": "yes"}}),
        ("gan", {"generator_optimizer": {"betas": [0.5, 1.0]}}),
        ("ns_gan", {"discriminator_optimizer": {"name": "sgd", "momentum": 1.0}}),
        ("wgan", {"clip": 0.0}),
        ("wgan", {"critic_steps": -1}),
        ("vae", {"latent": True}),
    ],
)
def test_impossible_values(name, options):
    with pytest.raises(SuiteError, match=next(iter(options))):
        build(models.get(name), options, "model")


def test_a_table_changes_only_what_it_names():
    model, _ = build(models.get("gan"), {"generator": {"hidden": [7]}}, "model")
    assert model.generator.hidden == (7,)
    assert model.generator.batch_norm == models.get("gan")().generator.batch_norm
    assert model.discriminator == models.get("gan")().discriminator
