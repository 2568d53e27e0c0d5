import warnings
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from genbench.core.errors import GenbenchWarning
from genbench.train import replay, trainer
from genbench.train.program import forget_programs, inputs_of
from genbench.train.settings import Settings
from genbench.train.streams import BLOCK
from genbench.train.trainer import train

CPU = torch.device("cpu")
on_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device here: graphs are not tried"
)


class Graph:
    """What a graph does, without one: it runs the steps again."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __call__(self, inputs):
        players, state, working, examples, _ = self.arguments
        logs = [trainer.run_step(players, state, working, examples, inputs, p) for p in range(BLOCK)]
        return {name: torch.stack([log[name] for log in logs]) for name in logs[0]}


@pytest.mark.parametrize("evaluate_every", [0, 20])
def test_whole_blocks_after_the_first_are_replayed(line, flat, monkeypatch, evaluate_every):
    """On a CPU that says it is CUDA, with a stand-in for the graph that writes its logs to one place."""
    captured, replayed, logs_of = [], [], {}

    class Counted(Graph):
        def __call__(self, inputs):
            replayed.append(True)
            for name, log in super().__call__(inputs).items():
                logs_of.setdefault(name, torch.empty_like(log)).copy_(log)
            return logs_of

    def stand_in(*arguments):
        captured.append(True)
        return Counted(*arguments)

    def run(**changed):
        settings = Settings(
            steps=3 * BLOCK + 5,
            batch_size=8,
            device=CPU,
            compile="always",
            master=torch.float64,
            evaluate_every=evaluate_every,
        )
        forget_programs()
        return train(*line, [1, 2], replace(settings, **changed))

    straight = run(compile="never")
    monkeypatch.setattr(trainer, "capture", stand_in)
    monkeypatch.setattr("genbench.train.program.compiler_missing", lambda device: "")
    monkeypatch.setattr("genbench.train.program.compiled", lambda update: update)
    monkeypatch.setattr(trainer, "captures", lambda device: True)
    through = run()
    # an evaluation within a block has its steps launched one by one, and nothing to be captured
    assert len(captured) == (0 if evaluate_every else 1)
    assert len(replayed) == (0 if evaluate_every else 2)
    assert through.state.step == straight.state.step
    for name, tensor in flat(straight.state).items():
        assert torch.equal(tensor, flat(through.state)[name]), name
    for (step, logs), (end, expected) in zip(through.curves, straight.curves, strict=True):
        assert step == end
        assert logs == expected
    forget_programs()


def test_a_replay_reads_copies_of_the_inputs_of_its_block(line, monkeypatch):
    """On a CPU, with stand-ins for the graph and for the steps that it records."""
    model, _, points = line
    recorded, read = [], []

    class Graph:
        def replay(self):
            inputs = recorded[0][0]["line"]
            read.append(
                [
                    inputs.order.clone(),
                    inputs.noise["e"].clone(),
                    *map(torch.clone, inputs.corrected.values()),
                ]
            )

    def run_step(players, state, working, examples, inputs, position):
        recorded.append((inputs, position))
        return {"log": torch.tensor([position, -position])}

    monkeypatch.setattr(replay, "run_step", run_step)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: nullcontext())
    settings = Settings(steps=64, batch_size=4, device=CPU)
    blocks = [inputs_of(model.players[0], [1, 2], n, points, settings) for n in (0, 1, 0)]
    block = replay.BlockReplay([], None, {}, points, {"line": blocks[0]})
    for inputs in (blocks[1], blocks[2]):
        logs = block({"line": inputs})
        expected = [inputs.order, inputs.noise["e"], *inputs.corrected.values()]
        assert len(expected) == 4
        assert all(map(torch.equal, read[-1], expected))
    assert torch.equal(blocks[0].order, blocks[2].order)  # what a block was captured with is not written to
    assert [position for _, position in recorded] == list(range(BLOCK))
    assert torch.equal(logs["log"], torch.tensor([[p, -p] for p in range(BLOCK)]))


def test_a_block_that_cannot_be_captured_is_a_warning(monkeypatch):
    def refuse(*_):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(replay, "BlockReplay", refuse)
    with pytest.warns(GenbenchWarning, match="not permitted when stream is capturing"):
        assert replay.capture([], None, {}, torch.zeros(1), {}) is None


def test_out_of_memory_is_not_swallowed(monkeypatch):
    def refuse(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(replay, "BlockReplay", refuse)
    with pytest.raises(torch.OutOfMemoryError):
        replay.capture([], None, {}, torch.zeros(1), {})


@on_cuda
@pytest.mark.parametrize("compute", [None, torch.bfloat16])
@pytest.mark.parametrize("name", ["ns_gan", "wgan", "vae"])
def test_replays_train_as_launched_steps_do(small, tiny, pictures, flat, name, compute, monkeypatch):
    settings = Settings(
        steps=5 * BLOCK + 3,
        batch_size=8,
        device=torch.device("cuda"),
        compile="always",
        compute=compute,
        evaluate_every=2 * BLOCK,
        save_every=BLOCK + 5,
    )
    examples = pictures.to(settings.device)

    def run():
        forget_programs()
        with warnings.catch_warnings():
            warnings.simplefilter("error", GenbenchWarning)
            return train(small(name), tiny, examples, [1, 2], settings)

    through = run()
    monkeypatch.setattr(trainer, "capture", lambda *_: None)
    launched = run()
    for key, tensor in flat(launched.state).items():
        torch.testing.assert_close(flat(through.state)[key], tensor, rtol=1e-4, atol=1e-5, msg=key)
    for (step, logs), (end, expected) in zip(through.curves, launched.curves, strict=True):
        assert step == end
        for log, values in expected.items():
            assert logs[log] == pytest.approx(values, rel=1e-3, abs=1e-4)


@on_cuda
def test_a_replay_reads_the_inputs_of_its_block(small, tiny, pictures):
    device = torch.device("cuda")
    settings = Settings(steps=BLOCK, batch_size=8, device=device, compile="always")
    model, examples = small("vae"), pictures.to(device)
    training = train(model, tiny, examples, [1, 2], settings)
    blocks = [{p.name: inputs_of(p, [1, 2], n, examples, settings) for p in model.players} for n in (1, 2)]
    graph = replay.capture(training.program.players, training.state, {}, examples, blocks[0])
    assert graph is not None
    first = {name: log.clone() for name, log in graph(blocks[0]).items()}
    second = graph(blocks[1])
    assert all(not torch.equal(first[name], second[name]) for name in first)
