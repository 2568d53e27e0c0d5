import pytest
import torch

from genbench.models.optim import SGD, Adam, RMSprop
from genbench.train.optimizers import apply, corrections, slot_names

CASES = {
    "adam": (
        Adam(lr=3e-2, betas=(0.5, 0.999), eps=1e-8),
        lambda p: torch.optim.Adam(p, lr=3e-2, betas=(0.5, 0.999), eps=1e-8),
    ),
    "adam, other settings": (
        Adam(lr=1e-2, betas=(0.0, 0.9), eps=1e-3),
        lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.0, 0.9), eps=1e-3),
    ),
    "rmsprop": (
        RMSprop(lr=1e-2, alpha=0.9, eps=1e-4),
        lambda p: torch.optim.RMSprop(p, lr=1e-2, alpha=0.9, eps=1e-4),
    ),
    "sgd": (SGD(lr=1e-1), lambda p: torch.optim.SGD(p, lr=1e-1)),
    "sgd with momentum": (
        SGD(lr=1e-1, momentum=0.9),
        lambda p: torch.optim.SGD(p, lr=1e-1, momentum=0.9),
    ),
}


def gradient_of(x):
    """Of a function with curvature, saddles and different scales."""
    scale = torch.logspace(-2, 1, x.numel(), dtype=x.dtype).view(x.shape)
    return scale * (x - 0.3 * (3 * x).sin())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_twenty_steps_are_torchs(name, dtype, near):
    ours, theirs = CASES[name]
    start = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    reference = start.clone().requires_grad_()
    optimizer = theirs([reference])
    x = start.clone()
    slots = {slot: torch.zeros_like(x) for slot in slot_names(ours)}
    for number in range(1, 21):
        reference.grad = gradient_of(reference.detach())
        optimizer.step()
        x, slots = apply(ours, x, gradient_of(x), slots, corrections(ours, torch.tensor(number), dtype))
        assert slots.keys() == set(slot_names(ours))
        torch.testing.assert_close(x, reference.detach(), rtol=near, atol=near)
    assert (x - start).abs().min() > 1e-4


@pytest.mark.parametrize("name", CASES)
def test_what_is_given_is_left_alone(name):
    ours, _ = CASES[name]
    x, gradient = torch.ones(3), torch.full((3,), 2.0)
    corrected = corrections(ours, torch.tensor(1), torch.float32)
    slots = {slot: torch.ones(3) for slot in slot_names(ours)}
    apply(ours, x, gradient, slots, corrected)
    assert x.tolist() == [1] * 3
    assert gradient.tolist() == [2] * 3
    assert all(slot.tolist() == [1] * 3 for slot in slots.values())


def test_slots():
    assert slot_names(SGD()) == ()
    assert len(slot_names(SGD(momentum=0.1))) == len(slot_names(RMSprop())) == 1
    assert len(slot_names(Adam())) == 2
