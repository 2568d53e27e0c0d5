from dataclasses import replace

import numpy as np
import pytest
import torch

from genbench.core.errors import DataError
from genbench.core.record import SAMPLED
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


def test_other_names_are_refused(dataset):
    with pytest.raises(ValueError, match="real, memorized, collapsed, gaussian, noise"):
        control_samples("memorised", dataset, 5, 0)
