"""What every metric of features refuses, and how it says so."""

from functools import partial

import pytest
import torch

from genbench.metrics import (
    birthday_support,
    classifier_two_sample,
    frechet_distance,
    inception_score,
    kernel_distance,
    mmd_rbf,
    prdc,
    sliced_wasserstein,
    vendi_score,
)

METRICS = [
    frechet_distance,
    kernel_distance,
    pytest.param(partial(mmd_rbf, bandwidth=1.0), id="mmd_rbf"),
    prdc,
    pytest.param(partial(sliced_wasserstein, seed=0), id="sliced_wasserstein"),
    pytest.param(partial(classifier_two_sample, seed=0), id="classifier_two_sample"),
]
OF_ONE_SET = [vendi_score, inception_score, partial(birthday_support, threshold=1.0)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bad", [float("nan"), -float("inf")])
def test_rows_that_are_not_finite_are_named(normal, metric, bad):
    real, fake = normal(20, 3), normal(20, 3)
    fake[[4, 17], 1] = bad
    with pytest.raises(ValueError, match=r"fake is not finite in 2 of 20 rows: 4, 17\. "):
        metric(real, fake)
    with pytest.raises(ValueError, match="real is not finite"):
        metric(fake, real)


def test_many_rows_that_are_not_finite_are_counted(normal):
    with pytest.raises(ValueError, match="0, 1, 2, 3, 4 and 15 more"):
        prdc(normal(20, 3), normal(20, 3) * torch.nan)
    with pytest.raises(ValueError, match=r"5 of 5 rows: 0, 1, 2, 3, 4\. "):
        vendi_score(normal(5, 3) * torch.nan)


def test_the_largest_magnitude_is_taken_and_no_larger():
    column = torch.tensor([[1e50], [-1e50]], dtype=torch.float64)
    assert frechet_distance(column, column) == 0
    for more in (1.001, -1e150):
        with pytest.raises(ValueError, match=r"fake is beyond ±1e\+50 in 2 of 2 rows: 0, 1\. "):
            frechet_distance(column, more * column)


@pytest.mark.parametrize("metric", METRICS)
def test_shapes_that_do_not_fit(normal, metric):
    for shape in ((20,), (20, 4), (20, 3, 1)):
        for sets in ((normal(20, 3), torch.zeros(shape)), (torch.zeros(shape), normal(20, 3))):
            with pytest.raises(ValueError, match="one row a sample, of the same features or coordinates"):
                metric(*sets)
    with pytest.raises(ValueError, match="one row a sample"):
        metric(torch.zeros(20, 0), torch.zeros(20, 0))


@pytest.mark.parametrize("metric", METRICS)
def test_images_are_not_features(normal, metric):
    with pytest.raises(ValueError, match="floating-point"):
        metric(normal(20, 3), torch.zeros(20, 3, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("metric", "fewest"),
    [
        (frechet_distance, 2),
        (kernel_distance, 2),
        (partial(mmd_rbf, bandwidth=1.0), 2),
        (prdc, 6),
        (partial(sliced_wasserstein, seed=0), 1),
        (partial(classifier_two_sample, seed=0), 4),
    ],
)
def test_fewest_rows(normal, metric, fewest):
    metric(normal(fewest, 3), normal(fewest, 3))
    with pytest.raises(ValueError, match=f"fake has {fewest - 1} rows; this metric needs at least {fewest}"):
        metric(normal(fewest, 3), normal(fewest - 1, 3))


@pytest.mark.parametrize("metric", OF_ONE_SET)
def test_what_is_no_set_of_rows(metric):
    for shape in ((20,), (20, 3, 1), (20, 0)):
        with pytest.raises(ValueError, match="must be a matrix with one row a sample"):
            metric(torch.zeros(shape))
    with pytest.raises(ValueError, match="expected floating-point numbers"):
        metric(torch.zeros(20, 3, dtype=torch.uint8))
    with pytest.raises(ValueError, match="has 0 rows"):
        metric(torch.zeros(0, 3))
