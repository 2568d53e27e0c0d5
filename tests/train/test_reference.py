"""A game trained by the trainer and by a plain loop over lanes with torch.optim, which agree in every number.

The players differ in all that a player can differ in: rate, optimizer, noise, data, repeats, networks, clip.
The loop draws its inputs itself, from what docs and docstrings say of the streams.
"""

from dataclasses import dataclass
from functools import cache

import pytest
import torch
from torch import nn

from genbench.core.datainfo import DataInfo
from genbench.core.ids import derive_seed
from genbench.models.optim import SGD, Adam, RMSprop
from genbench.models.protocol import Noise, Player
from genbench.train.settings import Settings
from genbench.train.streams import BLOCK
from genbench.train.trainer import train

CPU, F64 = torch.device("cpu"), torch.float64
DATA = DataInfo("squares", (1, 2, 2))
SEEDS, STEPS, BATCH, EXAMPLES = (11, 5, 8), BLOCK + 5, 4, 37
PICTURES = torch.randint(
    0, 256, (EXAMPLES, *DATA.shape), generator=torch.Generator().manual_seed(3), dtype=torch.uint8
)
Z, U = Noise((3,)), Noise((2,), "uniform")


@dataclass(frozen=True)
class Game:
    """A judge, an encoder with a decoder, and a mixer; each loss looks at the networks of the others."""

    version = "1"

    def prior(self, data):
        return Z

    @property
    def players(self):
        return (
            Player(
                "judge", ("D",), self.judge_loss, Adam(lr=0.02, betas=(0.5, 0.9), eps=1e-3),
                {"z": Z}, repeats=3, clip=0.45,
            ),
            Player(
                "coder", ("E", "G"), self.coder_loss, RMSprop(lr=0.005, alpha=0.8, eps=1e-2),
                {"z": Z, "u": U}, repeats=2, clip=0.7,
            ),
            Player("mixer", ("M",), self.mixer_loss, SGD(lr=0.03, momentum=0.6), {"u": U}, uses_data=False),
            Player("scale", ("S",), self.scale_loss, Adam(lr=0.01, betas=(0.8, 0.99)), {"z": Z}),
        )  # fmt: skip

    def networks(self, data):
        return {
            "D": nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1)),
            "E": nn.Sequential(nn.Flatten(), nn.Linear(4, 3)),
            "G": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Unflatten(1, data.shape)),
            "M": nn.Linear(2, 3),
            "S": nn.Linear(3, 3),
        }

    def judge_loss(self, nets, batch):
        real, fake = nets.D(batch.x), nets.D(nets.G(nets.S(batch.noise["z"])))
        return (real - 1).square().mean() + (fake + 1).square().mean(), {"gap": real.mean() - fake.mean()}

    def coder_loss(self, nets, batch):
        z = nets.E(batch.x) + 0.1 * nets.S(batch.noise["z"]) + 0.1 * nets.M(batch.noise["u"])
        x = nets.G(z)
        return (x - batch.x).square().mean() - 0.1 * nets.D(x).mean(), {"code": z.square().mean()}

    def mixer_loss(self, nets, batch):
        return -nets.D(nets.G(nets.M(batch.noise["u"]))).mean() + 0.01 * nets.M(
            batch.noise["u"]
        ).exp().mean(), {}

    def scale_loss(self, nets, batch):
        x = nets.G(nets.S(batch.noise["z"]))
        return (x.mean(0) - batch.x.mean(0)).square().sum(), {}

    def sample(self, nets, z):
        return nets.G(nets.S(z))


def drawn(noise, seed, player, name, number, repeats):
    """The noise of update ``number`` of a player: (B, *shape), cut out of its block's stream."""
    block, within = divmod(number, BLOCK * repeats)
    generator = torch.Generator().manual_seed(derive_seed(seed, "noise", player, name, block))
    stream = torch.empty(BLOCK * repeats * BATCH, *noise.shape, dtype=F64)
    if noise.distribution == "normal":
        stream.normal_(generator=generator)
    else:
        stream.uniform_(-1, 1, generator=generator)
    return stream[within * BATCH : (within + 1) * BATCH]


def epochs(seed, player, count):
    """The first examples of a player's walk, an epoch after the other."""
    orders = []
    for epoch in range(-(-count // EXAMPLES)):
        generator = torch.Generator().manual_seed(derive_seed(seed, "order", player, epoch))
        orders.append(torch.randperm(EXAMPLES, generator=generator))
    return torch.cat(orders)


class Plain:
    """The networks of one lane as ordinary modules, called as a loss calls them."""

    def __init__(self, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "initial parameters"))
            self.modules = {name: net.double() for name, net in Game().networks(DATA).items()}

    def __getattr__(self, name):
        return self.modules[name]


@dataclass
class Seen:
    x: torch.Tensor
    noise: dict


def optimizer_of(player, parameters):
    match player.name:
        case "judge":
            return torch.optim.Adam(parameters, lr=0.02, betas=(0.5, 0.9), eps=1e-3)
        case "coder":
            return torch.optim.RMSprop(parameters, lr=0.005, alpha=0.8, eps=1e-2)
        case "mixer":
            return torch.optim.SGD(parameters, lr=0.03, momentum=0.6)
        case _:
            return torch.optim.Adam(parameters, lr=0.01, betas=(0.8, 0.99), eps=1e-8)


@cache
def by_hand(seed):
    """One lane: its networks, what each optimizer remembers, and the logs of every step."""
    nets, logs = Plain(seed), []
    players = Game().players
    own = {p.name: [t for net in p.trains for t in nets.modules[net].parameters()] for p in players}
    optimizers = {p.name: optimizer_of(p, own[p.name]) for p in players}
    walks = {p.name: epochs(seed, p.name, STEPS * p.repeats * BATCH) for p in players}
    for step in range(STEPS):
        logs.append({})
        for name, repeats, bound in (
            ("judge", 3, 0.45), ("coder", 2, 0.7), ("mixer", 1, None), ("scale", 1, None),
        ):  # fmt: skip
            player = next(p for p in players if p.name == name)
            for repeat in range(repeats):
                number = step * repeats + repeat
                index = walks[name][number * BATCH : (number + 1) * BATCH]
                noise = {n: drawn(d, seed, name, n, number, repeats) for n, d in player.noise.items()}
                optimizers[name].zero_grad()
                loss, told = player.loss(nets, Seen(PICTURES[index].double() / 255 * 2 - 1, noise))
                loss.backward(inputs=own[name])
                norm = sum(t.grad.square().sum() for t in own[name]).sqrt()
                optimizers[name].step()
                if bound:
                    for tensor in own[name]:
                        tensor.data.clamp_(-bound, bound)
            for log, value in {"loss": loss, "gradient_norm": norm, **told}.items():
                logs[-1][f"{name}.{log}"] = value.item()
    memory = {
        f"{net}.{path}": {
            slot: optimizers[p.name].state[tensor].get(theirs) for slot, theirs in SLOTS[p.name]
        }
        for p in players
        for net in p.trains
        for path, tensor in nets.modules[net].named_parameters()
    }
    return nets.modules, memory, logs


ADAM = (("m", "exp_avg"), ("v", "exp_avg_sq"))
SLOTS = {
    "judge": ADAM,
    "coder": (("v", "square_avg"),),
    "mixer": (("momentum", "momentum_buffer"),),
    "scale": ADAM,
}


def trained(seeds=SEEDS, **changed):
    settings = Settings(
        **{"steps": STEPS, "batch_size": BATCH, "device": CPU, "compile": "never", "master": F64, **changed}
    )
    return train(Game(), DATA, PICTURES, seeds, settings)


@pytest.fixture(scope="module")
def training():
    return trained()


def close(ours, theirs, near=1e-9):
    torch.testing.assert_close(ours, theirs.detach(), rtol=near, atol=near)


def test_every_parameter_is_that_of_a_plain_loop(training):
    assert training.diverged == [None] * len(SEEDS)
    for lane, seed in enumerate(SEEDS):
        for net, module in by_hand(seed)[0].items():
            for name, tensor in module.named_parameters():
                close(training.state.params[net][name][lane], tensor)


def test_every_optimizer_remembers_what_torchs_does(training):
    for lane, seed in enumerate(SEEDS):
        memory = by_hand(seed)[1]
        for player in Game().players:
            expected = {
                f"{key}.{slot}": tensor
                for key, slots in memory.items()
                if key.partition(".")[0] in player.trains
                for slot, tensor in slots.items()
            }
            assert training.state.slots[player.name].keys() == expected.keys()
            for key, tensor in expected.items():
                close(training.state.slots[player.name][key][lane], tensor)


def test_curves_are_means_over_blocks_and_norms_those_of_every_step(training):
    assert [end for end, _ in training.curves] == [BLOCK, STEPS]
    for lane, seed in enumerate(SEEDS):
        logs = by_hand(seed)[2]
        for (_, means), part in zip(training.curves, (logs[:BLOCK], logs[BLOCK:]), strict=True):
            assert means.keys() == part[0].keys()
            for name, values in means.items():
                assert values[lane] == pytest.approx(sum(step[name] for step in part) / len(part), rel=1e-9)
        for player, parts in training.gradient_norms.items():
            expected = [step[f"{player}.gradient_norm"] for step in logs]
            assert torch.cat(parts)[:, lane].tolist() == pytest.approx(expected, rel=1e-9)


def test_networks_that_compute_at_less_precision_follow_the_parameters():
    """Their own copies are written anew after every update; what they give is rounded, and no more."""
    rough = trained(SEEDS[:2], steps=6, compute=torch.float32)
    assert {tensor.dtype for net in rough.state.params.values() for tensor in net.values()} == {F64}
    ((_, means),) = rough.curves
    for lane, seed in enumerate(SEEDS[:2]):
        for name, values in means.items():
            exact = sum(step[name] for step in by_hand(seed)[2][:6]) / 6
            assert values[lane] == pytest.approx(exact, rel=1e-4, abs=1e-5)
            assert values[lane] != exact, name
