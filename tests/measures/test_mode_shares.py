import pytest
import torch

from genbench.core.record import MODE_SHARE, Better
from genbench.core.registry import datasets, measures
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reference
from genbench.measures.mode_shares import MOST, share_readings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ring():
    return Reference(datasets.get("ring")().load(), CPU)


def shares(readings):
    return [r for r in readings if r.column.metric.startswith(MODE_SHARE)]


def drawn(name, reference, kind, n=400):
    evidence = Evidence(reference, control_samples(kind, reference.dataset, n, 0).samples)
    return shares(measures.get(name)()(evidence))


def test_classes_of_images(reference):
    found = drawn("modes", reference, "real")
    assert [r.column.metric for r in found] == [f"mode_share.{k}" for k in range(10)]
    assert sum(r.value for r in found) == pytest.approx(1)
    assert all(0.05 < r.value < 0.15 for r in found)
    assert {(r.column.better, r.column.unit, r.n) for r in found} == {(Better.NEITHER, "", 400)}


def test_one_class_only(reference):
    found = sorted(r.value for r in drawn("modes", reference, "collapsed"))
    assert found[-1] > 0.9
    assert found[-2] < 0.1


def test_the_expected_row_has_the_references_own(reference):
    found = shares(measures.get("modes")().expected(reference, 50))
    labels = reference.features.probabilities.argmax(1)
    assert [r.value for r in found] == pytest.approx(
        [(labels == k).double().mean().item() for k in range(10)]
    )
    assert {r.n for r in found} == {0}


def test_modes_of_points_hold_samples_of_high_quality_only(ring):
    evidence = Evidence(ring, control_samples("real", ring.dataset, 400, 0).samples)
    readings = list(measures.get("known_modes")()(evidence))
    quality = next(r.value for r in readings if r.column.metric == "known_modes.high_quality")
    found = shares(readings)
    assert len(found) == 8
    assert sum(r.value for r in found) == pytest.approx(quality)
    assert 0.95 < quality < 1
    expected = shares(measures.get("known_modes")().expected(ring, 400))
    assert [r.value for r in expected] == pytest.approx([0.988891 / 8] * 8, abs=1e-6)


def test_they_are_stamped_like_the_columns_beside_them(ring):
    evidence = Evidence(ring, control_samples("real", ring.dataset, 50, 0).samples)
    readings = list(measures.get("known_modes")()(evidence))
    assert all(r.protocol == readings[0].protocol for r in readings)
    assert all(r.versions["data"] == ring.dataset.hash for r in readings)


@pytest.mark.parametrize(("modes", "kept"), [(MOST, MOST), (MOST + 1, 0)])
def test_a_thousand_modes_are_not_kept(ring, modes, kept):
    assert len(list(share_readings(ring, torch.ones(modes) / modes, 5, {}))) == kept


def test_points_have_no_classes(ring):
    assert drawn("modes", ring, "real") == []
