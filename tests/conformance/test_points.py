"""What every registered model must do with points instead of images."""

import math

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.models.protocol import Bounded
from genbench.runner.check.finding import Outcome
from genbench.runner.check.model import CHECKS, examine
from genbench.runner.check.subject import Subject
from genbench.train.accounting import flops_per_step
from genbench.train.sampling import CHUNK, elbo, log_weights, sample_lanes
from genbench.train.settings import Settings
from genbench.train.standing import fill_standing_statistics
from genbench.train.state import initial_state
from genbench.train.trainer import train

CPU = torch.device("cpu")
SEEDS = (1, 2)
PLANE = DataInfo("plane", (2,))


@pytest.fixture(scope="module", params=models.names())
def name(request):
    return request.param


@pytest.fixture
def model(small, name):
    return small(name)


@pytest.fixture(scope="module")
def points():
    return 3 * torch.randn(60, 2, generator=torch.Generator().manual_seed(0)) + torch.tensor([10.0, 0.0])


@pytest.fixture
def fitted(model, points):
    return fit(model, points, SEEDS)


def fit(model, points, seeds, steps=12, state=None):
    settings = Settings(steps=steps, batch_size=8, device=CPU, compile="never", master=torch.float64)
    if state is None:
        state = initial_state(model, PLANE, seeds, device=CPU, dtype=torch.float64)
    trained = train(model, PLANE, points, list(seeds), settings, state=state).state
    fill_standing_statistics(model, PLANE, trained, seeds, points, 8)
    return trained


@pytest.fixture(scope="module")
def subject(small, name):
    return Subject(small(name), DataInfo("points", (2,)))


@pytest.mark.parametrize(
    "check", [c for c in CHECKS if c.on is None or "points" in c.on], ids=lambda c: c.name
)
def test_a_check_holds(check, subject):
    (finding,) = examine([subject], [check])
    assert finding.outcome is not Outcome.FAILED, f"{finding.words}. {finding.remedy}"
    assert finding.outcome is Outcome.PASSED or check.name in ("judge", "encode", "bound")


@pytest.mark.run
def test_samples_are_points(model, fitted):
    drawn = sample_lanes(model, PLANE, fitted, SEEDS, 40, device=CPU)
    assert drawn.samples.shape == (2, 40, 2)
    assert drawn.samples.dtype == torch.float32
    assert drawn.finite == [True, True]
    assert drawn.samples.unique(dim=1).shape == drawn.samples.shape
    assert not torch.equal(drawn.samples[0], drawn.samples[1])


def test_they_may_lie_anywhere(small, name):
    """Images end at -1 and 1; points end nowhere."""
    state = initial_state(model := small(name, batch_norm=False), PLANE, SEEDS, device=CPU)
    for tensors in state.params.values():
        for tensor in tensors.values():
            tensor.mul_(30)
    drawn = sample_lanes(model, PLANE, state, SEEDS, CHUNK, device=CPU)
    assert drawn.samples.abs().max() > 10


def test_a_point_is_seen_as_it_is(points):
    from genbench.train.update import as_seen

    assert torch.equal(as_seen(points, torch.float64), points.double())
    grey = torch.tensor([0, 255], dtype=torch.uint8)
    assert as_seen(grey, torch.float64).tolist() == [-1, 1]


@pytest.mark.run
def test_operations_are_counted(model):
    assert flops_per_step(model, PLANE, 8) > 0


@pytest.mark.run
def test_bounds_are_of_each_point_alone(model, points, fitted):
    if not isinstance(model, Bounded):
        with pytest.raises(TypeError, match="does not bound"):
            log_weights(model, PLANE, fitted, 0, 1, points, 2)
        return
    bounds = elbo(model, PLANE, fitted, 1, 1, points)
    assert bounds.shape == (len(points),)
    assert bounds.isfinite().all()
    weights = log_weights(model, PLANE, fitted, 1, 1, points, 400)
    assert weights.shape == (400, len(points))
    # the same bound, with the divergence by draws instead of in closed form
    error = 4 * (weights.std(0).square().mean() / 400 / len(points)).sqrt()
    one = 4 * weights.std(0).mean() / math.sqrt(len(points))
    assert weights.mean() == pytest.approx(bounds.mean().item(), abs=float(error + one))
    moved = points.clone()
    moved[0] += 1
    torch.testing.assert_close(elbo(model, PLANE, fitted, 1, 1, moved)[1:], bounds[1:], rtol=1e-9, atol=0)
