"""A run with the measures of dynamics: the cohort's Dirac-GAN once, every lane's own game."""

import pytest

from genbench.measures import dirac
from genbench.runner.job import run


@pytest.mark.run
def test_a_run_measures_dynamics(tiny_suite, tmp_path, monkeypatch):
    monkeypatch.setattr(dirac, "ROUNDS", 20)
    records = run(tiny_suite('measures=["dirac","rotation"]'), out=tmp_path).records
    played = {(r.model, r.metric): r for r in records if r.metric.startswith("dirac.")}
    assert {r.seed for r in played.values()} == {None}
    assert played["gan", "dirac.measured_imaginary"].value == pytest.approx(0.5)
    assert played["vae", "dirac.measured_imaginary"].reason == "a single objective: no game"
    lanes = {(r.model, r.seed, r.metric): r for r in records if r.metric.startswith("rotation.")}
    assert {(model, seed) for model, seed, _ in lanes} == {(m, s) for m in ("gan", "vae") for s in (0, 1)}
    norms = [lanes["gan", seed, "rotation.gradient"].value for seed in (0, 1)]
    assert norms[0] > 0 and norms[0] != norms[1]
    assert "2,000 at most" in lanes["gan", 0, "rotation.index"].reason
    assert lanes["gan", 0, "rotation.duality_gap"].value is not None
    assert lanes["vae", 0, "rotation.duality_gap"].value is None
