from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from genbench.core.errors import DataError, GenbenchWarning
from genbench.data.polygons import Polygons
from genbench.data.strokes import Strokes
from genbench.features import factor_network, factor_recipe, factors
from genbench.features.choose import extractor_for
from genbench.features.factors import PINNED_WEIGHTS, factor_reader_for
from genbench.measures.evidence import Reference


def strokes(**options):
    return Strokes(
        **{"images": 20, "test_images": 500, "instrument_images": 20, "seed": 77, **options}
    ).load()


@pytest.fixture(scope="module")
def data():
    return strokes()


@pytest.fixture(scope="module")
def images(data):
    return torch.from_numpy(data.test_examples)


@pytest.fixture(scope="module")
def reader(data):
    return factor_reader_for(data)


def r2(found, true):
    return 1 - ((found - true) ** 2).mean(0) / true.var(0)


def test_the_pinned_reader_says_who_it_is(reader):
    state = torch.get_rng_state()
    assert factor_reader_for(strokes(test_images=1)).hash == reader.hash
    assert torch.equal(torch.get_rng_state(), state)
    assert (reader.id, reader.pinned, len(reader.hash)) == ("strokes-factors", True, 12)
    assert PINNED_WEIGHTS.stat().st_size < 2**20
    with safe_open(PINNED_WEIGHTS, "pt") as file:
        notes = file.metadata()
    assert float(notes["accuracy"]) >= 0.99
    assert all(float(value) > 0.95 for name, value in notes.items() if name.startswith("R2_"))


def test_it_reads_fresh_images(data, images, reader):
    found = reader.read(images)
    assert found.classes.dtype == torch.int64 and found.values.dtype == torch.float32
    assert found.values.shape == (500, 5) and not found.values.requires_grad
    assert (found.classes.numpy() == data.test_labels).mean() >= 0.99
    assert (r2(found.values.numpy(), data.factors.test) > 0.95).all()
    assert (found.values.numpy() >= data.factors.low - 1e-6).all()
    assert (found.values.numpy() <= data.factors.high + 1e-6).all()


def test_bytes_and_shares_read_the_same_in_any_company(images, reader):
    together = reader.read(images)
    assert torch.equal(reader.read(images.float() / 255).values, together.values)
    assert torch.equal(reader.read(images[250:270]).values, together.values[250:270])
    assert torch.equal(reader.residual(images[3:5]), reader.residual(images)[3:5])
    assert reader.read(images[:0]).values.shape == (0, 5)
    assert reader.residual(images[:0]).shape == (0,)


def test_the_residual_is_small_on_real_images_and_large_off_them(images, reader):
    assert float(reader.residual(images).median()) < 0.06
    averages = (images[:100].float() + images[100:200].float()) / 2 / 255
    assert float(reader.residual(averages).median()) > 0.5


def test_the_residual_is_that_of_its_formula(images, reader):
    found = reader.read(images[:9])
    again = reader.render(found.classes, found.values)
    x = images[:9].double() / 255
    expected = ((x - again) ** 2).sum((1, 2, 3)) / (x**2).sum((1, 2, 3))
    assert torch.allclose(reader.residual(images[:9]).double(), expected, rtol=1e-4)


@pytest.mark.run
def test_refinement_finds_the_factors(images, reader):
    before = reader.residual(images[:24])
    after = reader.residual(images[:24], refine=40)
    assert (after <= before).all()
    assert float(after.median()) < 0.002
    assert (reader.residual(images[:4], refine=3) <= before[:4]).all()


def test_images_that_are_none(reader):
    odd = torch.zeros(3, 1, 28, 28)
    odd[1] = 1
    odd[2, 0, 3, 3] = torch.nan
    for refine in (0, 2):
        residual = reader.residual(odd, refine)
        assert residual[0] == 1
        assert residual[1].isfinite() and residual[1] > 0.5
        assert residual[2].isnan()
    read = reader.read(odd)
    assert read.values[:2].isfinite().all() and read.values[2].isnan().all()


def test_variants_have_the_same_reader_and_extractor(reader):
    for variant in ("corr", "one-class"):
        other = strokes(variant=variant, test_images=20)
        assert factor_reader_for(other).hash == reader.hash
        assert (extractor_for(other).id, extractor_for(other).pinned) == ("strokes-cnn", True)


def test_the_pinned_extractor_knows_the_digits(data, images):
    extractor = extractor_for(data)
    assert (extractor.id, extractor.pinned, extractor.classes) == ("strokes-cnn", True, tuple("0123456789"))
    assert (extractor(images).probabilities.argmax(1).numpy() == data.test_labels).mean() >= 0.99


def test_data_without_factors_have_no_reader(data):
    with pytest.raises(ValueError, match="factors of strokes are not known"):
        factor_reader_for(replace(data, factors=None))
    with pytest.raises(ValueError, match="factors of strokes are not known"):
        _ = Reference(replace(data, factors=None), torch.device("cpu")).factor_reader


def test_a_reference_has_one_reader(data, reader):
    reference = Reference(data, torch.device("cpu"))
    assert reference.factor_reader.hash == reader.hash
    assert reference.factor_reader is reference.factor_reader


def test_damaged_weights_are_noticed(data, tmp_path, monkeypatch):
    content = bytearray(PINNED_WEIGHTS.read_bytes())
    content[-100] ^= 1
    copy = tmp_path / "weights.safetensors"
    copy.write_bytes(content)
    monkeypatch.setattr(factors, "PINNED_WEIGHTS", copy)
    with pytest.raises(DataError, match=r"damaged or was exchanged.*genbench\.features\.factor_recipe"):
        factor_reader_for(data)


@pytest.fixture(scope="module")
def triangles():
    return Polygons(images=5, test_images=300, instrument_images=300).load()


@pytest.fixture
def quick_training(monkeypatch):
    monkeypatch.setattr(factor_network, "_MIN_STEPS", 4)
    monkeypatch.setattr(factor_network, "_EPOCHS", 1)


def test_other_data_get_a_reader_of_their_own_that_is_kept(triangles, quick_training, tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    state = torch.get_rng_state()
    first = factor_reader_for(triangles)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.id.startswith("factors:") and not first.pinned
    again = factors.trained_on(triangles.factors, 1)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), first.network.parameters(), strict=True))
    other = factors.trained_on(triangles.factors, 1, seed=1)
    assert not torch.equal(other.regress.weight, first.network.regress.weight)
    monkeypatch.setattr(factors, "train", None)
    second = factor_reader_for(triangles)
    assert second.hash == first.hash
    images = torch.from_numpy(triangles.test_examples[:5])
    assert torch.equal(second.read(images).values, first.read(images).values)
    assert second.read(images).values.shape == (5, 4)


def test_a_reader_learns_the_shares_of_their_ranges_of_the_images_that_it_sees(triangles, monkeypatch):
    monkeypatch.setattr(factor_network, "_MIN_STEPS", 3)
    monkeypatch.setattr(factor_network, "_EPOCHS", 2)
    known, seen, told, rates, weights = triangles.factors, [], [], [], []
    forward, squared = factor_network.FactorCNN.forward, torch.nn.functional.mse_loss
    cycle = torch.optim.lr_scheduler.OneCycleLR

    def looked(network, images):
        seen.append(images.clone())
        return forward(network, images)

    def loss(found, wanted):
        told.append(wanted.clone())
        error = squared(found, wanted)
        error.register_hook(lambda gradient: weights.append(float(gradient)))
        return error

    def scheduled(optimizer, peak, total_steps):
        rates.append((optimizer.param_groups[0]["weight_decay"], peak, total_steps))
        return cycle(optimizer, peak, total_steps=total_steps)

    monkeypatch.setattr(factor_network.FactorCNN, "forward", looked)
    monkeypatch.setattr(factor_network.functional, "mse_loss", loss)
    monkeypatch.setattr(torch.optim.lr_scheduler, "OneCycleLR", scheduled)
    assert not factors.trained_on(known, 1).training
    assert rates == [(1e-2, 4e-3, 4)]  # two epochs of two full batches
    assert [len(batch) for batch in seen] == [128] * 4
    assert weights == [30.0] * 4
    pixels = known.instrument_examples.astype(np.float32) / 255
    number = {image.tobytes(): place for place, image in enumerate(pixels)}
    rows = [number[image.numpy().tobytes()] for batch in seen for image in batch]
    shares = (known.instrument_values - known.low) / (known.high - known.low)
    assert torch.cat(told).numpy() == pytest.approx(shares[rows], abs=1e-6)
    assert len(set(rows[:256])) == len(set(rows[256:])) == 256 and rows[:256] != rows[256:]


def test_a_reader_is_of_the_data_it_was_trained_on(triangles):
    known = triangles.factors
    base = factors.instrument_hash(known)
    for changes in (
        {"renderer": "polygons 2"},
        {"instrument_values": known.instrument_values + 1},
        {"instrument_labels": known.instrument_labels + 1},
        {"instrument_examples": known.instrument_examples[::-1]},
        {"high": known.high + 1},
    ):
        assert factors.instrument_hash(replace(known, **changes)) != base
    assert factors.instrument_hash(replace(known, train=known.train + 1)) == base


def test_a_cache_that_cannot_be_written_is_a_warning(triangles, quick_training, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "file"))
    with pytest.warns(GenbenchWarning, match="reader of factors trained on polygons cannot be kept"):
        assert len(factor_reader_for(triangles).hash) == 12


@pytest.mark.run
def test_angles_of_triangles_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    data = Polygons(images=5, test_images=300, instrument_images=5000).load()
    reader = factor_reader_for(data)
    found = reader.read(torch.from_numpy(data.test_examples))
    assert (r2(found.values.numpy(), data.factors.test)[:3] > 0.95).all()


@pytest.mark.run
def test_the_weights_are_of_these_images():
    data = Strokes(images=1, test_images=1).load()
    with safe_open(PINNED_WEIGHTS, "pt") as file:
        assert file.metadata()["data"] == factors.instrument_hash(data.factors)


@pytest.fixture
def short_recipe(data, monkeypatch):
    class Few:
        def __init__(self, images):
            pass

        def load(self):
            return data

    monkeypatch.setattr(factor_network, "_MIN_STEPS", 2)
    monkeypatch.setattr(factor_recipe.datasets, "get", lambda name: Few)


def test_weights_that_are_not_good_enough_are_not_written(short_recipe, tmp_path, capsys):
    assert factor_recipe.main(["-o", str(tmp_path / "weights.safetensors")]) == 1
    assert "not written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_recipe_writes_weights_with_their_hash(short_recipe, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(factor_recipe, "ENOUGH_RIGHT", 0)
    monkeypatch.setattr(factor_recipe, "ENOUGH_R2", -np.inf)
    output = tmp_path / "weights.safetensors"
    assert factor_recipe.main(["-o", str(output)]) == 0
    digest = capsys.readouterr().out.split()[-1]
    monkeypatch.setattr(factors, "PINNED_WEIGHTS", output)
    monkeypatch.setattr(factors, "PINNED_HASH", digest)
    assert factor_reader_for(data).hash == digest
    with safe_open(output, "pt") as file:
        assert file.metadata()["data"] == factors.instrument_hash(data.factors)
