"""A training that is packed away and continued is the one that went on: every bit of it."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from pydantic import TypeAdapter

from genbench.core.datainfo import DataInfo
from genbench.core.errors import CheckpointError
from genbench.models.mlp import MLP
from genbench.models.ns_gan import NSGAN
from genbench.models.optim import SGD
from genbench.train import trainer
from genbench.train.checkpoint import read, write
from genbench.train.resume import Facts, pack, unpack
from genbench.train.settings import Settings
from genbench.train.trace import Tracer
from genbench.train.trainer import train
from genbench.train.training import past_of

CPU = torch.device("cpu")
IMAGES = DataInfo("small", (1, 4, 4))
MODEL = NSGAN(
    latent=3,
    generator=MLP(hidden=(8,), batch_norm=True),
    discriminator=MLP(hidden=(8,)),
    discriminator_optimizer=SGD(lr=0.05, momentum=0.9),
)
SEEDS = (4, 9, 2)
EXAMPLES = torch.randint(0, 256, (90, 1, 4, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


class Kept:
    """Packs away what it is given, as a process would that is killed right after."""

    def __init__(self, tracer):
        self.tracer, self.steps, self.kept = tracer, [], []

    def __call__(self, training):
        facts, tensors = pack(past_of(training), self.tracer.so_far())
        self.steps.append(training.state.step)
        with TemporaryDirectory() as folder:  # files have an order of their own
            file = Path(folder) / "kept.safetensors"
            write(file, json.dumps(asdict(facts)), tensors)
            text, tensors = read(file)
        self.kept.append((TypeAdapter(Facts).validate_json(text), tensors))


def trained(continued=None, model=MODEL, seeds=SEEDS, **change):
    settings = Settings(
        **{"steps": 70, "batch_size": 8, "device": CPU, "compile": "never", "trace_every": 32, **change}
    )
    tracer = Tracer(model, IMAGES, seeds, settings.steps, settings.trace_every)
    past = None
    if continued is not None:
        past, trace = unpack(*continued, CPU)
        if trace is not None:
            tracer.go_on(trace, past.state)
    keep = Kept(tracer)
    ticks = []
    training = train(
        model,
        IMAGES,
        EXAMPLES,
        seeds,
        settings,
        past=past,
        on_tick=lambda _, tick: ticks.append(tick.step),
        on_trace=lambda training: tracer(training.state),
        on_keep=keep,
    )
    return training, tracer, keep, ticks


def same(one, other):
    facts, tensors = one
    assert replace(facts, peak_memory=0, warmups=()) == replace(other[0], peak_memory=0, warmups=())
    assert tensors.keys() == other[1].keys()
    for name, tensor in tensors.items():
        if not name.startswith("clock"):
            assert torch.equal(tensor, other[1][name]), name


@pytest.mark.parametrize("compute", [None, pytest.param(torch.bfloat16, marks=pytest.mark.run)])
def test_continued_anywhere_it_ends_as_if_it_had_gone_on(compute):
    straight, tracer, keep, ticks = trained(save_every=20, compute=compute)
    assert keep.steps == [20, 40, 60, 70]  # inside blocks and at their ends
    for number, step in enumerate(keep.steps):
        again, its_tracer, its_keep, its_ticks = trained(keep.kept[number], save_every=20, compute=compute)
        assert its_ticks == [tick for tick in ticks if tick > step]  # nothing is repeated
        same(pack(past_of(again), its_tracer.so_far()), keep.kept[-1])
        assert again.curves == straight.curves
        for lane in range(len(SEEDS)):
            assert torch.equal(its_tracer.samples(lane), tracer.samples(lane))
            assert torch.equal(its_tracer.moved(lane), tracer.moved(lane))
            assert its_tracer.displaced(lane) == tracer.displaced(lane) > 0
        assert its_tracer.networks == tracer.networks == ("G",)
        assert bool(its_keep.steps) == (step < 70)  # a training that was over is not written again


@pytest.mark.run
def test_twice_cut_short():
    _, _, keep, _ = trained(save_every=25)
    _, _, once, _ = trained(keep.kept[0], save_every=25)
    again, tracer, _, _ = trained(once.kept[0], save_every=25)
    same(pack(past_of(again), tracer.so_far()), keep.kept[-1])
    assert again.warmups == [0, 1, 3]  # each process has a block that warms up
    assert sum(steps for steps, _ in again.blocks) == 70


def test_a_lane_that_diverged_stays_so():
    model = replace(MODEL, discriminator_optimizer=SGD(lr=1e30))
    straight, _, keep, _ = trained(model=model, save_every=20, steps=60)
    assert None not in straight.diverged
    # where no lane is left training ends, and there is nothing to go on with
    again, _, _, ticks = trained(keep.kept[-1], model=model, save_every=20, steps=60)
    assert ticks == [] and again.diverged == straight.diverged


@pytest.mark.run
def test_the_program_stays_what_it_was(monkeypatch):
    seen = []
    real = trainer.make_program

    def watched(*rest):
        *rest, settings = rest
        seen.append(settings.compile)
        return real(*rest, replace(settings, compile="never"))

    monkeypatch.setattr(trainer, "make_program", watched)
    _, _, keep, _ = trained(save_every=50)
    facts, tensors = keep.kept[0]
    for compiled in (False, True):
        trained((replace(facts, compiled=compiled), tensors), compile="auto")
    assert seen == ["never", "never", "always"]


@pytest.mark.run
def test_what_does_not_belong_together_is_told():
    _, _, keep, _ = trained(save_every=50)
    facts, tensors = keep.kept[0]
    for name in ("clock|seconds", "curves|steps", "trace|samples"):
        with pytest.raises(CheckpointError, match="does not hold what a training is continued from"):
            unpack(facts, {key: tensor for key, tensor in tensors.items() if key != name}, CPU)


@pytest.mark.run
def test_without_a_period_it_is_kept_at_the_end_alone_or_when_time_has_passed():
    assert trained()[2].steps == [70]
    steps = trained(keep_seconds=0.0)[2].steps
    assert steps[-1] == 70 and set(steps) <= {32, 64, 70}
    assert trained()[3] == trained(keep_seconds=0.0)[3]  # no block is divided for it
