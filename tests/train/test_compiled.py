"""Programs that are really compiled: shared by cohorts, and kept for later runs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.models.gan import GAN
from genbench.models.mlp import MLP
from genbench.models.optim import Adam
from genbench.train.device import compiler_missing
from genbench.train.program import forget_programs
from genbench.train.settings import Settings
from genbench.train.trainer import train

CPU = torch.device("cpu")
DATA = DataInfo("blocks", (1, 4, 4))
IMAGES = torch.arange(100 * 16, dtype=torch.int64).remainder(256).to(torch.uint8).view(100, 1, 4, 4)
SETTINGS = Settings(steps=5, batch_size=4, device=CPU, master=torch.float64)


@pytest.mark.run
@pytest.mark.skipif(bool(compiler_missing(CPU)), reason="no compiler here")
def test_cohorts_that_share_a_compiled_program_train_at_their_own_rates():
    """Every update is of the same lines, of which torch.compile keeps only so many programs."""
    small = MLP(hidden=(4,))
    forget_programs()
    with torch._dynamo.config.patch(recompile_limit=1):
        for rates in ((1e-3, 2e-3), (3e-2, 1e-2)):
            judge, generator = (Adam(lr=rate, eps=1e-3) for rate in rates)
            model = GAN(
                latent=3,
                generator=small,
                discriminator=small,
                discriminator_optimizer=judge,
                generator_optimizer=generator,
            )
            compiled, eager = (
                train(model, DATA, IMAGES, [0, 1], replace(SETTINGS, compile=wanted))
                for wanted in ("always", "never")
            )
            assert compiled.program.compiled
            assert compiled.program.shared == (rates[0] > 1e-3)
            for net, tensors in eager.state.params.items():
                for name, tensor in tensors.items():
                    torch.testing.assert_close(compiled.state.params[net][name], tensor, rtol=1e-9, atol=1e-9)


def test_out_of_memory_while_compiling_is_no_failure_to_compile(monkeypatch):
    """Eager execution would not fit either, and the runner has a remedy: half the lanes."""

    def greedy(update):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("genbench.train.program.compiled", greedy)
    model = GAN(latent=3, generator=MLP(hidden=(4,)), discriminator=MLP(hidden=(4,)))
    with pytest.raises(torch.OutOfMemoryError):
        train(model, DATA, IMAGES, [0], replace(SETTINGS, compile="always"))


SCRIPT = """
import os, torch
from genbench.core.datainfo import DataInfo
from genbench.models.mlp import MLP
from genbench.models.optim import SGD
from genbench.models.vae import VAE
from genbench.train.settings import Settings
from genbench.train.trainer import train
small = MLP(hidden=(4,))
x = torch.zeros(9, 1, 4, 4, dtype=torch.uint8)
settings = Settings(steps=10**6, batch_size=4, device=torch.device("cpu"), compile="auto")
class Enough(Exception):
    pass
def stop(training, tick):
    assert training.program.compiled, training.program.reason
    raise Enough
try:
    vae = VAE(latent=2, encoder=small, decoder=small, optimizer=SGD())
    train(vae, DataInfo("x", (1, 4, 4)), x, [0], settings, on_tick=stop)
except Enough:
    print(os.environ.get("TORCHINDUCTOR_CACHE_DIR"))
"""


@pytest.mark.run
@pytest.mark.skipif(bool(compiler_missing(CPU)), reason="no compiler here")
@pytest.mark.parametrize("writable", [True, False])
def test_compiled_code_is_kept_in_genbenchs_cache(tmp_path, writable):
    """In a process of its own, because the compiler reads where to keep its code once."""
    cache = tmp_path / "cache"
    if not writable:
        cache.write_text("not a folder")
    environment = {k: v for k, v in os.environ.items() if k != "TORCHINDUCTOR_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**environment, "GENBENCH_CACHE": str(cache), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if writable:
        assert done.stdout.strip() == str(cache / "compiled")
        assert any((cache / "compiled").iterdir())
        assert (cache / "compile_seconds.json").is_file()
    else:
        assert str(cache) not in done.stdout
