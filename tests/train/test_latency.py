import pytest
import torch

from genbench.train import latency
from genbench.train.latency import WARMUP, latencies
from genbench.train.sampling import sampler
from genbench.train.state import initial_state

CPU = torch.device("cpu")


@pytest.fixture
def seen(small, tiny, monkeypatch):
    """What each call was given and gave, on a clock on which call n takes n seconds."""
    model, at, calls = small("gan"), [0.0], []
    sample = type(model).sample

    def slower(self, nets, z):
        calls.append((z, sample(self, nets, z)))
        at[0] += len(calls)
        return calls[-1][1]

    monkeypatch.setattr(type(model), "sample", slower)
    monkeypatch.setattr(latency, "now", lambda device: at[0])
    return model, initial_state(model, tiny, (1, 2, 3), device=CPU), calls


def test_every_call_is_timed_but_those_that_warm_up(seen, tiny):
    model, state, _ = seen
    assert latencies(model, tiny, state, 1, 7, 4, CPU) == [WARMUP + n for n in (1, 2, 3, 4)]


def test_a_call_is_one_latent_of_one_lane(seen, tiny):
    model, state, calls = seen
    latencies(model, tiny, state, 1, 7, 4, CPU)
    assert len(calls) == WARMUP + 4
    assert {len(z) for z, _ in calls} == {1}
    latents = torch.cat([z for z, _ in calls])
    assert len(latents.unique(dim=0)) == len(latents)  # no latent comes again
    drawn, _ = sampler(model, tiny, state)(latents.expand(3, *latents.shape))
    alone = torch.cat([latency.as_stored(x, tiny) for _, x in calls[: len(latents)]])
    assert torch.equal(alone, drawn[1])
    assert not torch.equal(alone, drawn[0])


def test_no_gradient_is_kept(seen, tiny):
    model, state, calls = seen
    for tensors in state.params.values():
        for tensor in tensors.values():
            tensor.requires_grad_()
    latencies(model, tiny, state, 0, 7, 1, CPU)
    assert not any(x.requires_grad for _, x in calls)


def test_every_model_gives_a_single_sample(small, tiny):
    from genbench.core.registry import models

    for name in models.names():
        model = small(name)
        state = initial_state(model, tiny, (1,), device=CPU)
        times = latencies(model, tiny, state, 0, 1, 3, CPU)
        assert len(times) == 3 and min(times) > 0
