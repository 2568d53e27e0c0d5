from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.record import EXPLAINERS
from genbench.core.registry import datasets, measures
from genbench.data.dataset import Dataset
from genbench.measures import explainers as module
from genbench.measures.evidence import Evidence, Final, Reference

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def explainers():
    return measures.get("explainers")()


@pytest.fixture
def captum():
    pytest.importorskip("captum", reason="maps of attribution need captum: pip install 'genbench[explain]'")


@pytest.fixture(scope="module")
def digits():
    return Reference(datasets.get("digits")().load(), CPU)


def made(images):
    """Data of nothing but these images."""
    labels = np.zeros(len(images), np.int64)
    info = DataInfo("made", images.shape[1:], classes=("all",))
    return Reference(Dataset(info, images, labels, images, labels, source="made"), CPU)


def values(explainers, name, reference, seed=0):
    found = list(explainers.anchor(name, reference, seed))
    assert tuple(reading.column for reading in found) == explainers.columns
    return {reading.column.metric.removeprefix("explainers."): reading for reading in found}


def test_it_is_a_measure_of_methods(explainers, digits):
    assert isinstance(explainers, Final)
    assert explainers.anchors == EXPLAINERS
    assert not explainers.of_lanes
    assert list(explainers(Evidence(digits, torch.zeros(1, 1, 28, 28)))) == []


def test_points_have_no_row(explainers):
    ring = Reference(datasets.get("ring")().load(), CPU)
    assert [list(explainers.anchor(name, ring, 0)) for name in EXPLAINERS] == [[]] * 6


def test_without_captum_there_are_reasons(explainers, digits, monkeypatch):
    monkeypatch.setattr(module, "without_captum", lambda: "Install it.")
    found = values(explainers, "lime", digits)
    assert {(reading.value, reading.reason) for reading in found.values()} == {(None, "Install it.")}


def test_a_patch_that_nobody_can_see_is_a_reason(explainers, captum, monkeypatch):
    monkeypatch.setattr(module, "_STEPS", 5)
    white = made(np.full((30, 1, 8, 8), 255, np.uint8))
    for reading in values(explainers, "ablation", white).values():
        assert reading.value is None
        assert "only 50.0% of held-out images" in reading.reason


def test_any_size_and_any_number_of_channels(explainers, captum, monkeypatch):
    monkeypatch.setattr(module, "_STEPS", 60)
    clock = iter((3.0, 3.5))
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    random = np.random.default_rng(0)
    found = values(explainers, "ablation", made(random.integers(0, 99, (64, 3, 9, 10), dtype=np.uint8)))
    assert found["pointing"].value == 1
    assert found["mass"].value > 3 * found["mass"].protocol["area"]
    assert found["ms"].value == 25  # half a second for twenty images
    assert {reading.n for reading in found.values()} == {20}
    area = round(3 * 1 * 1 / 270, 6)  # one of 7 x 7 cells, of three channels
    assert found["mass"].protocol == {"area": area, "baseline": "black", "reference": "test"}
    assert found["pointing"].error == 0


@pytest.mark.run
def test_the_planted_artefact_is_found(explainers, captum, digits):
    found = {name: values(explainers, name, digits) for name in EXPLAINERS}
    area = 16 / 784
    for name, readings in found.items():
        assert readings["mass"].protocol["area"] == pytest.approx(area, abs=1e-6)
        assert readings["ms"].value > 0
        assert readings["ms"].protocol == {"device": "cpu"}
        if name != "random-map":
            assert readings["pointing"].value == 1
            assert readings["mass"].value > 2 * readings["mass_untrained"].value
    for name in ("integrated-gradients", "kernel-shap", "lime", "ablation"):
        assert found[name]["mass"].value > 0.4
        assert found[name]["infidelity"].value < 0.2
    control = found["random-map"]
    assert control["mass"].value == pytest.approx(area, rel=0.15)
    assert control["pointing"].value < 0.2
    assert control["infidelity"].value > 0.3
    assert found["saliency"]["infidelity"].value is None
    assert "gradient" in found["saliency"]["infidelity"].reason


@pytest.mark.run
def test_critics_of_one_seed_are_the_same_and_of_two_are_not(explainers, captum, digits):
    first = values(explainers, "ablation", digits, seed=0)
    other = values(explainers, "ablation", digits, seed=1)
    module._case.cache_clear()
    again = values(explainers, "ablation", digits, seed=0)
    for name in ("mass", "infidelity", "mass_untrained"):
        assert first[name].value == again[name].value
        assert first[name].value != other[name].value
