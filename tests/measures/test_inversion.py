from itertools import pairwise

import pytest
import torch

from genbench.measures.generator import Generator
from genbench.measures.inversion import invert

A = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
X = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))


def generator(decode):
    return Generator(2, "normal", 3, torch.device("cpu"), decode)


def test_of_a_linear_generator_the_residual_is_that_of_the_projection():
    linear = generator(lambda z: z @ A.T)
    found = invert(linear, X, encoder=None, restarts=2, steps=300, seed=0)
    best = torch.linalg.lstsq(A, X.T)
    residual = (A @ best.solution - X.T).square().sum(0)
    assert torch.allclose(found.error, residual, rtol=1e-3)
    assert torch.allclose(found.z, best.solution.T, atol=1e-2)
    assert torch.allclose((linear.decode(found.z) - X).square().sum(1), found.error)
    assert found.by_start.shape == (2, 5)
    again = invert(linear, X, encoder=None, restarts=2, steps=300, seed=0)
    assert torch.equal(again.z, found.z)


def test_the_best_of_all_steps_and_starts_is_kept():
    linear = generator(lambda z: z @ A.T)
    errors = [
        invert(linear, X, encoder=None, restarts=3, steps=steps, seed=0).error for steps in (0, 1, 5, 40)
    ]
    assert all((later <= earlier).all() for earlier, later in pairwise(errors))
    found = invert(linear, X, encoder=None, restarts=3, steps=0, seed=0)
    assert torch.equal(found.error, found.by_start.min(0).values)
    assert len(set(found.by_start.argmin(0).tolist())) > 1


def test_a_generator_that_is_not_finite_has_no_error():
    found = invert(generator(lambda z: z @ A.T * torch.nan), X, encoder=None, restarts=1, steps=3, seed=0)
    assert torch.isinf(found.error).all()
    assert found.z.isfinite().all()


def test_something_to_start_from_is_needed():
    with pytest.raises(ValueError, match="start from"):
        invert(generator(lambda z: z @ A.T), X, encoder=None, restarts=0, steps=3, seed=0)
