"""Shared by all tests. Nothing here imports torch until a fixture is asked for."""

import getpass
import os
import signal
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import settings

KEPT = Path(tempfile.gettempdir()) / f"genbench-tests-{getpass.getuser()}"
"""Folder of what test runs keep for later ones: bytecode and compiled programs."""

# Without bytecode every process of every test compiles all sources again. Where Python is told to leave
# none, it goes to a folder of its own.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(KEPT / "bytecode")
    del os.environ["PYTHONDONTWRITEBYTECODE"]
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

# Properties are tried on few examples, always the same; `--hypothesis-profile thorough` tries many.
settings.register_profile("unit", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("unit")

# Threads that spin for work cost more than they bring on networks this small, most of all where tests
# share their cores. Subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell tells what it starts in the background to ignore Ctrl-C, and nohup the end of the terminal, which
# genbench then does too. Some tests send these signals to a run, here or in a subprocess.
for _number, _usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, _number) and signal.getsignal(getattr(signal, _number)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _number), _usual)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Scheduler of several processes: unit tests of a room stay together, as they share what a session makes.

    The tests of other tiers take longer than what they share and stay together by file.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByRoom(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "/".join(file.split("/")[:2])

    return (ByRoom if "not run" in config.option.markexpr else LoadFileScheduling)(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """What tests make and fetch is not the user's; what earlier test runs have compiled is kept."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(KEPT / "compiled"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny():
    """The shape of the pictures that models are tested on."""
    from genbench.core.datainfo import DataInfo

    return DataInfo("tiny", (1, 12, 12))


@pytest.fixture(scope="session")
def pictures(tiny):
    """Fifty random pictures, as a dataset has them: (N, C, H, W) uint8."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (50, *tiny.shape), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="session")
def small():
    """A registered model with its own options but narrow networks: ``small("gan", latent=3)``."""

    def make(name, batch_norm=None, backbone="mlp", **options):
        from genbench.core.registry import models
        from genbench.models.conv import Conv
        from genbench.models.mlp import MLP
        from genbench.models.tanh_mlp import TanhMLP

        model = models.get(name)()
        backbones = {f.name: getattr(model, f.name) for f in fields(model)}
        narrow = {}
        for key, mlp in backbones.items():
            if isinstance(mlp, MLP):
                normed = mlp.batch_norm if batch_norm is None else batch_norm
                if backbone == "conv":
                    narrow[key] = Conv(channels=(3, 4), dense=12, batch_norm=normed)
                elif backbone == "tanh_mlp":
                    narrow[key] = TanhMLP(hidden=(12, 11))
                else:
                    hidden = tuple(range(12, 12 - len(mlp.hidden), -1))
                    narrow[key] = replace(mlp, hidden=hidden, batch_norm=normed)
        return replace(model, **{**narrow, **options})

    return make


@pytest.fixture(scope="session")
def fit(tiny, pictures):
    """Train on the pictures, in float64 and without a compiler unless told otherwise."""

    def run(model, steps, seeds=(1, 2, 3), *, start=0, state=None, on_tick=None, on_save=None, **settings):
        import torch

        from genbench.train.settings import Settings
        from genbench.train.state import initial_state
        from genbench.train.trainer import train

        chosen = Settings(
            **{
                "steps": steps,
                "batch_size": 8,
                "device": torch.device("cpu"),
                "compile": "never",
                "master": torch.float64,
                **settings,
            }
        )
        if state is None:
            state = initial_state(model, tiny, seeds, device=chosen.device, dtype=chosen.master)
            state.step = start
        calls = {name: call for name, call in (("on_tick", on_tick), ("on_save", on_save)) if call}
        return train(model, tiny, pictures, list(seeds), chosen, state=state, **calls)

    return run


@pytest.fixture(scope="session")
def flat():
    """All tensors of a training state by one name each."""

    def flatten(state):
        trees = {"params": state.params, "buffers": state.buffers, "slots": state.slots}
        return {
            f"{kind} {owner} {name}": tensor
            for kind, tree in trees.items()
            for owner, tensors in tree.items()
            for name, tensor in tensors.items()
        }

    return flatten


@pytest.fixture
def updates_made(monkeypatch):
    """How many updates each player has made since, by its name."""
    from collections import Counter

    from genbench.train import program

    made, real = Counter(), program.stacked_update

    def counting(modules, player, compute):
        update = real(modules, player, compute)

        def counted(*arguments):
            made[player.name] += 1
            return update(*arguments)

        return counted

    monkeypatch.setattr(program, "stacked_update", counting)
    return made


@pytest.fixture(scope="session")
def lane_nets(tiny):
    """One lane of a state as networks that can be called, and its parameters by network."""

    def make(model, state, lane=0, *, training=True):
        from genbench.models.protocol import Nets
        from genbench.train.state import skeletons

        modules = {name: net.train(training) for name, net in skeletons(model, tiny).items()}
        params = {net: {n: t[lane] for n, t in tensors.items()} for net, tensors in state.params.items()}
        buffers = {net: {n: t[lane] for n, t in tensors.items()} for net, tensors in state.buffers.items()}

        def call(changed=None):
            chosen = {**params, **(changed or {})}
            return Nets(modules, {net: {**chosen[net], **buffers[net]} for net in modules})

        return call, params

    return make
