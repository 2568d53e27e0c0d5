"""A whole run on points: training, measures, pictures, drawing again, scoring a file."""

import numpy as np
import pytest
import torch
from PIL import Image

import genbench
from genbench.core.record import OF_SAMPLES, Status
from genbench.core.registry import datasets
from genbench.runner.job import run

pytestmark = pytest.mark.run  # suites/smoke.toml runs points too


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """Two models on the ring, 30 steps, two seeds."""
    folder = tmp_path_factory.mktemp("plane")
    suite = folder / "plane.toml"
    suite.write_text(
        """
name = "plane"
seeds = 2
samples = 300
measures = ["known_modes", "modes", "quality"]

[train]
steps = 30
batch_size = 16
compile = "never"

[[dataset]]
name = "ring"

[[model]]
name = "gan"
latent = 2
generator = { hidden = [16], batch_norm = true }
discriminator = { hidden = [16] }

[[model]]
name = "vae"
latent = 2
encoder = { hidden = [16] }
decoder = { hidden = [16] }
"""
    )
    return run(genbench.load_suite(suite), out=folder)


def test_every_row_has_its_numbers(plane):
    assert plane.failed == 0
    covered = [r for r in plane.records if r.metric == "known_modes.covered"]
    assert {r.model for r in covered} == {"gan", "vae", *OF_SAMPLES}
    assert all(r.value is not None for r in covered)
    assert {r.protocol["precision"] for r in covered if r.model in ("gan", "vae")} == {"float32"}
    assert {r.status for r in plane.records if r.metric == "modes.covered"} == {Status.SKIPPED}
    bounds = {r.metric: r.value for r in plane.records if r.model == "vae" and r.seed == 0}
    assert bounds["quality.iw_bound"] > bounds["quality.elbo"] - 1


def test_the_true_sampler_is_beside_them(plane):
    found = {(r.model, r.seed): r.value for r in plane.records if r.metric == "known_modes.high_quality"}
    assert found["expected", None] == pytest.approx(0.98889, abs=1e-5)
    for seed in range(3):
        assert found["real", seed] == pytest.approx(0.98889, abs=0.025)
        assert found["noise", seed] < 0.03


def test_pictures_are_scatter_plots(plane):
    for name in ("ring.png", "ring-gan.png", "ring-vae.png"):
        width, height = Image.open(plane.directory.grids / name).size
        assert width > height > 200


def test_a_trial_is_drawn_again_and_scored_from_its_file(plane, tmp_path):
    trial = next(r.trial for r in plane.records if r.model == "vae" and r.seed == 0)
    points = genbench.sample(plane.path / "trials" / trial, 300)
    assert points.shape == (300, 2)
    assert points.dtype == np.float32
    file = tmp_path / "mine.npy"
    np.save(file, points)
    scores = {r.metric: r.value for r in genbench.evaluate([file], "ring") if r.model == "mine"}
    assert scores["known_modes.covered"] >= 0
    assert scores["quality.fid"] > 0
    true = datasets.get("ring")().load().modes
    near = torch.cdist(torch.from_numpy(points).double(), torch.from_numpy(true.centers)).min(1).values
    assert scores["known_modes.high_quality"] == pytest.approx(float((near < 3 * true.scale).double().mean()))
