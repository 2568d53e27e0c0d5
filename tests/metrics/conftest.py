import pytest
import torch
from torch import Tensor


@pytest.fixture
def normal():
    """Draws (N, D) float64 standard normal numbers, others at every call."""
    generator = torch.Generator().manual_seed(20)
    return lambda n, d: torch.randn(n, d, generator=generator, dtype=torch.float64)


@pytest.fixture
def white(normal):
    """Draws (N, D) numbers whose sample mean is 0 and sample covariance the identity, to rounding."""

    def draw(n: int, d: int) -> Tensor:
        x = normal(n, d)
        x = x - x.mean(0)
        factor = torch.linalg.cholesky(x.T @ x / (n - 1))
        return torch.linalg.solve_triangular(factor, x.T, upper=False).T

    return draw
