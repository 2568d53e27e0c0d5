"""A game of three players against the same in plain PyTorch: a loop over lanes and steps with torch.optim."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn

from genbench.core.datainfo import DataInfo
from genbench.core.ids import derive_seed
from genbench.models.optim import SGD, Adam, RMSprop
from genbench.models.protocol import Noise, Player
from genbench.train.settings import Settings
from genbench.train.state import initial_state
from genbench.train.streams import BLOCK
from genbench.train.trainer import train

PLANE = DataInfo("plane", (2,))
SEEDS, STEPS, SIZE = (3, 11), BLOCK + 9, 5
EXAMPLES = torch.arange(14, dtype=torch.float64).view(7, 2).div(7)
"""Fewer than a block takes: batches straddle epochs."""

REPEATS = {"g": 1, "d": 2, "c": 3}
OURS = {
    "g": Adam(lr=2e-2, betas=(0.5, 0.9)),
    "d": RMSprop(lr=3e-3, alpha=0.8),
    "c": SGD(lr=5e-2, momentum=0.7),
}
THEIRS = {
    "g": lambda p: torch.optim.Adam(p, lr=2e-2, betas=(0.5, 0.9)),
    "d": lambda p: torch.optim.RMSprop(p, lr=3e-3, alpha=0.8),
    "c": lambda p: torch.optim.SGD(p, lr=5e-2, momentum=0.7),
}
CLIP = 0.05


def generator_loss(nets, x, noise):
    made = nets.G(noise["z"])
    return nets.D(made).square().mean() + nets.C(made).mean()


def discriminator_loss(nets, x, noise):
    return nets.D(nets.G(noise["z"])).mean() - nets.D(x + noise["e"]).mean() + 0.1 * nets.D(x).square().mean()


def critic_loss(nets, x, noise):
    return (nets.C(x) - nets.D(x)).square().mean()


LOSSES = {"g": generator_loss, "d": discriminator_loss, "c": critic_loss}
NOISE = {"g": {"z": Noise((3,))}, "d": {"z": Noise((3,)), "e": Noise((2,), "uniform")}, "c": {}}
USES_DATA = {"g": False, "d": True, "c": True}


@dataclass(frozen=True, kw_only=True)
class Game:
    """A generator that plays against two others, each of which learns in a way of its own."""

    version: ClassVar[str] = "1"

    def prior(self, data):
        return Noise((3,))

    def networks(self, data):
        return {
            "G": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
            "D": nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)),
            "C": nn.Linear(2, 1),
        }

    @property
    def players(self):
        return tuple(
            Player(
                name=name,
                trains=(name.upper(),),
                loss=lambda nets, batch, name=name: (LOSSES[name](nets, batch.x, batch.noise), {}),
                optimizer=OURS[name],
                noise=NOISE[name],
                uses_data=USES_DATA[name],
                repeats=REPEATS[name],
                clip=CLIP if name == "c" else None,
            )
            for name in "gdc"
        )

    def sample(self, nets, z):
        return nets.G(z)


def stream(noise, count, *seed):
    """The draws of one block of steps, by the definition in docs/reproducibility.md."""
    generator = torch.Generator().manual_seed(derive_seed(*seed))
    out = torch.empty((count, *noise.shape), dtype=torch.float64)
    return (
        out.normal_(generator=generator)
        if noise.distribution == "normal"
        else out.uniform_(-1, 1, generator=generator)
    )


def order(seed, player, length):
    """Epoch after epoch, each a permutation of all examples."""
    epochs = []
    while sum(map(len, epochs)) < length:
        generator = torch.Generator().manual_seed(derive_seed(seed, "order", player, len(epochs)))
        epochs.append(torch.randperm(len(EXAMPLES), generator=generator))
    return torch.cat(epochs)[:length]


class Functions:
    """Modules by their names, as losses have them."""

    def __init__(self, modules):
        self.__dict__.update(modules)


def plain(lane, seed):
    """One lane with torch's own optimizers; returns its modules and the losses of every update."""
    start = initial_state(Game(), PLANE, SEEDS, device=torch.device("cpu"), dtype=torch.float64)
    modules = {name: net.double() for name, net in Game().networks(PLANE).items()}
    for name, net in modules.items():
        net.load_state_dict({key: tensor[lane] for key, tensor in start.params[name].items()})
    optimizers = {name: THEIRS[name](list(modules[name.upper()].parameters())) for name in "gdc"}
    orders = {name: order(seed, name, STEPS * REPEATS[name] * SIZE) for name in "gdc"}
    losses = {name: [] for name in "gdc"}
    for step in range(STEPS):
        block, place = divmod(step, BLOCK)
        for name in "gdc":
            for repeat in range(REPEATS[name]):
                count = REPEATS[name] * SIZE
                rows = slice(
                    (place * REPEATS[name] + repeat) * SIZE, (place * REPEATS[name] + repeat + 1) * SIZE
                )
                noise = {
                    key: stream(one, BLOCK * count, seed, "noise", name, key, block)[rows]
                    for key, one in NOISE[name].items()
                }
                first = (step * REPEATS[name] + repeat) * SIZE
                x = EXAMPLES[orders[name][first : first + SIZE]]
                for optimizer in optimizers.values():
                    optimizer.zero_grad()
                loss = LOSSES[name](Functions(modules), x, noise)
                loss.backward()
                optimizers[name].step()
                if name == "c":
                    with torch.no_grad():
                        for parameter in modules["C"].parameters():
                            parameter.clamp_(-CLIP, CLIP)
            losses[name].append(float(loss.detach()))
    return modules, losses


@pytest.fixture(scope="module")
def trained():
    settings = Settings(
        steps=STEPS, batch_size=SIZE, device=torch.device("cpu"), compile="never", master=torch.float64
    )
    return train(Game(), PLANE, EXAMPLES, list(SEEDS), settings)


@pytest.mark.parametrize("lane", range(len(SEEDS)))
def test_every_player_of_every_lane_trains_as_in_plain_pytorch(trained, lane):
    modules, losses = plain(lane, SEEDS[lane])
    for name, net in modules.items():
        for key, tensor in net.named_parameters():
            torch.testing.assert_close(
                trained.state.params[name][key][lane], tensor.detach(), rtol=1e-9, atol=1e-11
            )
    ends = [end for end, _ in trained.curves]
    assert ends == [BLOCK, STEPS]
    for start, (end, logs) in zip([0, *ends], trained.curves, strict=False):
        for name in "gdc":
            mean = sum(losses[name][start:end]) / (end - start)
            assert logs[f"{name}.loss"][lane] == pytest.approx(mean, rel=1e-9)


def test_the_game_is_one_in_which_each_setting_matters(trained):
    """Otherwise the comparison would not see it swapped."""
    for name in ("G", "D", "C"):
        moved = [tensor.std(0).max() for tensor in trained.state.params[name].values()]
        assert all(spread > 1e-6 for spread in moved), "lanes differ in every tensor of every player"
    clipped = torch.cat([t.flatten() for t in trained.state.params["C"].values()]).abs()
    assert clipped.max() == CLIP
