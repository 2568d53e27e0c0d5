from __future__ import annotations

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.models.gan import GAN
from genbench.models.mlp import MLP
from genbench.models.optim import Adam
from genbench.train.settings import Settings
from genbench.train.trainer import train

DATA = DataInfo("blocks", (1, 4, 4))
IMAGES = torch.arange(100 * 16, dtype=torch.int64).remainder(256).to(torch.uint8).view(100, 1, 4, 4)


@pytest.mark.slow
def test_many_cohorts_in_one_process_are_all_compiled():
    """torch.compile keeps only so many programs of one function, and every update is of the same lines."""
    settings = Settings(steps=2, batch_size=4, device=torch.device("cpu"), compile="always")
    small = MLP(hidden=(4,))
    with torch._dynamo.config.patch(recompile_limit=1):
        for rate in (1e-4, 2e-4):
            model = GAN(latent=3, generator=small, discriminator=small, generator_optimizer=Adam(lr=rate))
            assert train(model, DATA, IMAGES, [0, 1], settings).program.compiled


def test_out_of_memory_while_compiling_is_no_failure_to_compile(monkeypatch):
    """Eager execution would not fit either, and the runner has a remedy: half the lanes."""

    def greedy(update):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("genbench.train.program.compiled", greedy)
    settings = Settings(steps=2, batch_size=4, device=torch.device("cpu"), compile="always")
    model = GAN(latent=3, generator=MLP(hidden=(4,)), discriminator=MLP(hidden=(4,)))
    with pytest.raises(torch.OutOfMemoryError):
        train(model, DATA, IMAGES, [0], settings)
