"""What holds for every metric: this file has one line for each, and fails until it has."""

import inspect
import random
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import genbench.metrics as api
from genbench.core.record import Better
from genbench.metrics.catalogue import METRICS

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"

HELPERS = {"kernel_within", "balls", "mode_coverage_of_labels", "neighbourhoods"}
"""Functions whose numbers are another's."""

CALLS = {
    "authenticity": api.authenticity,
    "birthday_support": lambda a, b: api.birthday_support(b, threshold=0.5),
    "class_coverage": lambda a, b: api.class_coverage(classes(b), num_classes=5, reference=classes(a)),
    "classifier_two_sample": lambda a, b: api.classifier_two_sample(a, b, seed=3),
    "elbo": lambda a, b: api.elbo(b),
    "frechet_distance": api.frechet_distance,
    "frechet_distance_infinity": lambda a, b: api.frechet_distance_infinity(a, b, seed=3),
    "importance_weighted_bound": lambda a, b: api.importance_weighted_bound(b),
    "inception_score": lambda a, b: api.inception_score(torch.softmax(b, 1)),
    "kernel_distance": api.kernel_distance,
    "memorization_distance": api.memorization_distance,
    "mmd_rbf": lambda a, b: api.mmd_rbf(a, b, bandwidth=1.0),
    "mode_coverage": lambda a, b: api.mode_coverage(b, 4 * torch.eye(b.shape[1]), 1.0),
    "ndb": lambda a, b: api.ndb(a, b, bins=8, seed=3),
    "prdc": api.prdc,
    "sliced_wasserstein": lambda a, b: api.sliced_wasserstein(a, b, seed=3),
    "vendi_score": lambda a, b: api.vendi_score(b),
}
"""Each metric on a real set and a fake one."""

OF_LABELS, OF_PROBABILITIES = {"class_coverage"}, {"inception_score"}


def classes(points):
    return points.sum(1).abs().long() % 5


def numbers(name, real, fake):
    """What a metric gives, by the names of the catalogue."""
    found = CALLS[name](real, fake)
    if isinstance(found, torch.Tensor):
        return {name: float(found.mean())}
    if isinstance(found, tuple):
        fields = found._asdict().items()
        return {f"{name}.{field}": value for field, value in fields if not isinstance(value, torch.Tensor)}
    return {name: found}


def disturb(seed):
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(seed)


def states():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()


def test_every_function_is_here_once():
    functions = {
        name
        for name in api.__all__
        if isinstance(getattr(api, name), types.FunctionType) and not name.startswith("expected_")
    }
    assert functions - HELPERS == set(CALLS)
    assert {column.metric.partition(".")[0] for column in METRICS} == set(CALLS)


def test_names_are_unique_and_say_what_they_mean():
    names = [column.metric for column in METRICS]
    assert len(set(names)) == len(names)
    assert all(column.meaning for column in METRICS)
    unranked = {column.metric for column in METRICS if column.better is Better.NEITHER}
    assert unranked <= {"classifier_two_sample.p_value", "authenticity", "memorization_distance"}


@pytest.mark.parametrize("name", CALLS)
def test_every_number_is_in_the_catalogue(normal, name):
    in_catalogue = {column.metric for column in METRICS if column.metric.partition(".")[0] == name}
    assert set(numbers(name, normal(70, 4), normal(64, 4))) == in_catalogue


@pytest.mark.parametrize("name", CALLS)
@settings(deadline=None, max_examples=8)
@given(
    st.integers(60, 90),
    st.integers(60, 90),
    st.integers(1, 4),
    st.sampled_from([1e-3, 1.0, 30.0]),
    st.integers(0, 999),
)
def test_values_are_in_their_range(name, n, m, d, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    real, fake = torch.randn(n, d, generator=generator), scale * torch.randn(m, d, generator=generator)
    columns = {column.metric: column for column in METRICS}
    for metric, value in numbers(name, real, fake).items():
        assert value == value, metric  # not NaN
        assert columns[metric].low is None or value >= columns[metric].low, metric
        assert columns[metric].high is None or value <= columns[metric].high, metric


@pytest.mark.parametrize("name", CALLS)
def test_same_input_same_bits_and_nothing_else_changes(normal, name):
    real, fake = normal(90, 4), normal(80, 4) * 1.1
    disturb(1)
    first = numbers(name, real, fake)
    disturb(2)
    before = states()
    copies = real.clone(), fake.clone()
    assert numbers(name, *copies) == first
    assert states() == before
    assert torch.equal(copies[0], real)
    assert torch.equal(copies[1], fake)


@pytest.mark.parametrize("name", sorted(CALLS.keys() - OF_LABELS))
def test_rows_that_are_not_finite_are_named(normal, name):
    real, fake = normal(70, 4), normal(70, 4)
    fake[3, 3] = float("nan")
    with pytest.raises(
        ValueError, match=r"(samples|fake|probs|features|log_weights).* is not finite in 1 of \d+ rows: 3\."
    ):
        CALLS[name](real, fake)


@pytest.mark.parametrize("name", sorted(CALLS.keys() - OF_LABELS - OF_PROBABILITIES))
def test_rows_whose_products_overflow_are_named(normal, name):
    real, fake = normal(70, 4), normal(70, 4)
    fake[3, 3] = -1.1e50
    with pytest.raises(
        ValueError, match=r"(samples|fake|features|log_weights).* is beyond .1e\+50 in 1 of \d+ rows: 3\."
    ):
        CALLS[name](real, fake)


@pytest.mark.parametrize("name", sorted(CALLS.keys() - OF_LABELS - OF_PROBABILITIES))
def test_lower_precision_is_computed_in_float64(normal, name):
    real, fake = normal(70, 4).bfloat16(), normal(64, 4).bfloat16()
    assert numbers(name, real, fake) == numbers(name, real.double(), fake.double())


@pytest.mark.parametrize("name", CALLS)
def test_the_largest_numbers_that_are_taken_overflow_nothing(normal, name):
    found = numbers(name, 2e49 * normal(70, 4).clamp(-5, 5), 1e49 * normal(70, 4))
    assert all(value == value for value in found.values())


@pytest.mark.parametrize("name", CALLS)
def test_docstrings_have_what_a_reader_needs(name):
    text = " ".join(inspect.getdoc(getattr(api, name)).split())
    for part in ("Direction:", "Known failure", "Args:", "Raises:"):
        assert part in text, f"{name} does not say: {part}"
    assert any(str(year) in text for year in range(1950, 2030)), f"{name} has no source"
    assert any(word in text for word in ("loor", "xpected", "held-out")), (
        f"{name} does not say what true samples give"
    )


def test_every_number_is_documented():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [column.metric for column in METRICS if f"`{column.metric}`" not in text] == []
    functions = [name for name in api.__all__ if name.startswith("expected_")]
    assert [name for name in functions if f"`{name}" not in text] == []
