"""What was written against an earlier contract is told what changed, before anything is trained."""

from dataclasses import dataclass

import numpy as np
import pytest

import genbench
from genbench.core.datainfo import DataInfo
from genbench.core.errors import PluginError
from genbench.core.record import SAMPLED, Status
from genbench.core.registry import datasets, measures, models
from genbench.data.dataset import Dataset
from genbench.models.gan import GAN
from genbench.models.protocol import Noise
from genbench.runner.job import run
from genbench.runner.prepare import load
from genbench.runner.sample import build_model
from genbench.suite.plan import ModelSpec


@pytest.fixture
def register():
    """Register for one test."""
    names = []

    def put(registry, name, thing):
        registry.register(name)(thing)
        names.append((registry, name))

    yield put
    for registry, name in names:
        del registry._things[name], registry._origins[name]


def test_a_prior_that_is_no_method(register):
    @dataclass(frozen=True, kw_only=True)
    class Old(GAN):
        prior = property(lambda self: Noise((self.latent,)))

    register(models, "old", Old)
    with pytest.raises(PluginError, match=r"'old' .*`prior` that is no method: write"):
        build_model(ModelSpec("old", "old", "1", {}))


def test_a_bound_without_weights(register):
    @dataclass(frozen=True, kw_only=True)
    class Old(GAN):
        posterior_noise = {}  # noqa: RUF012

        def elbo(self, nets, batch):
            return batch.x

    register(models, "old", Old)
    with pytest.raises(PluginError, match="`log_weight`"):
        build_model(ModelSpec("old", "old", "1", {}))


def test_a_dataset_of_other_fields(register):
    class Old:
        def load(self):
            return Dataset(train_images=np.zeros(3))

    register(datasets, "old", Old)
    with pytest.raises(PluginError, match=r"'old' .*fails to load: TypeError.*train_images"):
        load(Old(), "old")


@pytest.mark.run
def test_points_without_labels_have_all_rows_but_one(register, tmp_path):
    @dataclass(frozen=True)
    class Plain:
        def load(self):
            points = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)
            none = np.array([], dtype=np.int64)
            return Dataset(DataInfo("plain", (2,)), points[:50], none, points[50:], none, "here")

        def locate(self):
            return "here"

    register(datasets, "plain", Plain)
    suite = tmp_path / "plain.toml"
    suite.write_text(
        """
name = "plain"
seeds = 1
samples = 40
measures = ["quality"]
[train]
steps = 2
batch_size = 8
compile = "never"
[[dataset]]
name = "plain"
[[model]]
name = "gan"
generator = { hidden = [8] }
discriminator = { hidden = [8] }
"""
    )
    result = run(genbench.load_suite(suite), out=tmp_path)
    assert result.failed == 0
    scored = {r.model: r for r in result.records if r.metric == "quality.fid"}
    assert {name for name in SAMPLED if scored[name].value is None} == {"collapsed"}
    assert scored["collapsed"].status is Status.SKIPPED
    assert "needs labels" in scored["collapsed"].reason


def test_two_measures_of_one_column(register):
    from genbench.measures.modes import Modes
    from genbench.runner.measuring import chosen_measures

    register(measures, "mine", type("Mine", (Modes,), {}))
    with pytest.raises(PluginError, match=r"'modes' \(.*\) and 'mine' \(.*\) both have a column modes\."):
        chosen_measures(["modes", "mine"])
    assert len(chosen_measures(["mine", "quality"])) == 2


@pytest.mark.parametrize(
    "thing", [type("Empty", (), {}), type("Raises", (), {"__init__": lambda self: 1 / 0})]
)
def test_what_is_no_measure_is_told(register, thing):
    from genbench.runner.measuring import chosen_measures

    register(measures, "mine", thing)
    with pytest.raises(PluginError, match=r"measure 'mine' .* cannot be used: .*Error: .*evidence\.py"):
        chosen_measures(["mine"])
