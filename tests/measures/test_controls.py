from dataclasses import replace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError
from genbench.core.record import SAMPLED
from genbench.data.dataset import Dataset
from genbench.measures.controls import control_samples


@pytest.fixture(scope="module")
def dataset(reference):
    return reference.dataset


def samples_of(*arguments):
    return control_samples(*arguments).samples


def as_rows(images):
    return [bytes(image) for image in np.asarray(images)]


@pytest.mark.parametrize("name", SAMPLED)
def test_shape_type_and_seed(dataset, name):
    samples = samples_of(name, dataset, 50, 7)
    assert samples.shape == (50, 1, 28, 28)
    assert samples.dtype == torch.uint8
    assert torch.equal(samples, samples_of(name, dataset, 50, 7))
    assert not torch.equal(samples, samples_of(name, dataset, 50, 8))


def test_real_are_training_images_each_once(dataset):
    everything = samples_of("real", dataset, len(dataset.train_examples), 0)
    assert sorted(as_rows(everything)) == sorted(as_rows(dataset.train_examples))
    assert as_rows(everything) != as_rows(dataset.train_examples)  # the first half is as random as any
    assert not set(as_rows(everything)) & set(as_rows(dataset.test_examples))


def test_real_are_never_repeated(dataset):
    with pytest.raises(DataError, match="needs 1199 training examples of 'digits', which has 1198"):
        control_samples("real", dataset, 1199, 0)


@pytest.mark.parametrize("seed", [0, 4, 13])
def test_collapsed_are_of_the_seeds_class(dataset, seed):
    members = set(as_rows(dataset.train_examples[dataset.train_labels == seed % 10]))
    few = as_rows(samples_of("collapsed", dataset, 60, seed))
    assert set(few) <= members
    assert len(set(few)) == 60
    many = as_rows(samples_of("collapsed", dataset, 1000, seed))
    assert set(many) == members


def test_collapsed_skips_classes_that_do_not_occur(dataset):
    labels = np.where(dataset.train_labels == 0, 9, dataset.train_labels)
    samples = samples_of("collapsed", replace(dataset, train_labels=labels), 20, 0)
    assert set(as_rows(samples)) <= set(as_rows(dataset.train_examples[labels == 1]))


def test_collapsed_needs_labels(dataset):
    with pytest.raises(DataError, match="needs labels"):
        control_samples("collapsed", replace(dataset, train_labels=np.array([], dtype=np.int64)), 5, 0)


def test_noise_is_uniform(dataset):
    counts = torch.bincount(samples_of("noise", dataset, 500, 0).flatten().long(), minlength=256)
    expected = 500 * 28 * 28 / 256
    assert ((counts - expected).abs() < 6 * expected**0.5).all()


def test_as_many_as_the_class_has_are_each_of_it_once(dataset):
    members = dataset.train_examples[dataset.train_labels == 4]
    assert sorted(as_rows(samples_of("collapsed", dataset, len(members), 4))) == sorted(as_rows(members))


def test_memorized_are_training_images_with_replacement(dataset):
    drawn = as_rows(samples_of("memorized", dataset, 1198, 0))
    assert set(drawn) <= set(as_rows(dataset.train_examples))
    assert 0.58 < len(set(drawn)) / 1198 < 0.68  # 1 - 1/e of them


def test_only_real_has_test_images_in_its_place(dataset):
    for n, expected in ((50, 50), (599, 599), (1000, 599)):
        held_out = control_samples("real", dataset, n, 0).held_out
        assert len(set(held_out.tolist())) == len(held_out) == expected
        assert int(held_out.min()) >= 0 and int(held_out.max()) < 599
    assert all(control_samples(name, dataset, 50, 0).held_out is None for name in SAMPLED[1:])


def points(values):
    values = np.asarray(values, dtype=np.float32)
    labels = np.zeros(len(values), dtype=np.int64)
    return Dataset(DataInfo("points", values.shape[1:]), values, labels, values[:2] + 99, labels[:2], "made")


def test_a_gaussian_has_the_mean_and_covariance_of_the_training_points():
    random = np.random.default_rng(0)
    data = points(random.exponential(1, (300, 2)) @ [[1.0, 0.5], [0.0, 0.3]] + [5.0, -1.0])
    drawn = samples_of("gaussian", data, 6000, 0).double()  # more than are made at once
    assert drawn.dtype == torch.float64 and len(drawn.unique(dim=0)) == 6000
    covariance = np.cov(data.train_examples.T)
    error = np.sqrt(np.diag(covariance) / 6000)
    assert np.all(abs(drawn.mean(0).numpy() - data.train_examples.mean(0)) < 4 * error)
    assert np.cov(drawn.numpy().T) == pytest.approx(covariance, rel=0.08)
    skew = (((drawn - drawn.mean(0)) / drawn.std(0)) ** 3).mean(0)
    assert skew.abs().max() < 0.15  # no third moment, where the points have 2
    assert torch.equal(samples_of("gaussian", points([[3.0, 4.0]]), 2, 0), torch.tensor([[3.0, 4.0]] * 2))


def test_a_gaussian_of_two_points_has_the_unbiased_variance():
    drawn = samples_of("gaussian", points([[0.0], [2.0]]), 5000, 0)
    assert float(drawn.var()) == pytest.approx(2, rel=0.08)


def test_noise_of_points_fills_their_range():
    drawn = samples_of("noise", points([[0.0, -3.0], [1.0, 5.0], [0.5, 0.0]]), 4000, 0)
    assert drawn.dtype == torch.float32
    assert drawn.min(0).values.tolist() == pytest.approx([0, -3], abs=0.02)
    assert drawn.max(0).values.tolist() == pytest.approx([1, 5], abs=0.02)
    assert drawn.mean(0).tolist() == pytest.approx([0.5, 1], abs=0.15)


def test_other_names_are_refused(dataset):
    with pytest.raises(ValueError, match="real, memorized, collapsed, gaussian, noise"):
        control_samples("memorised", dataset, 5, 0)
