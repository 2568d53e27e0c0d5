"""Models that are wrong in one way each, and what is said of it. The right ones are in tests/conformance."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchError
from genbench.models.optim import SGD, Adam
from genbench.models.protocol import Noise, Player
from genbench.runner.check.finding import Fault, Outcome
from genbench.runner.check.model import CHECKS, examine
from genbench.runner.check.model_declared import built, declared, refusal
from genbench.runner.check.subject import Subject

HERE = Path(__file__)
POINTS = DataInfo("points", (2,))
IMAGES = DataInfo("images", (1, 4, 4))
Z = {"z": Noise((3,))}
STASH = {}


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A small least-squares GAN."""

    version: ClassVar[str] = "1"
    optimizer: Adam | SGD = Adam(lr=1e-3)

    def networks(self, data):
        return {
            "G": nn.Sequential(
                nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, data.size), nn.Unflatten(1, data.shape)
            ),
            "D": nn.Sequential(nn.Flatten(), nn.Linear(data.size, 5), nn.Tanh(), nn.Linear(5, 1)),
        }

    def prior(self, data):
        return Noise((3,))

    @property
    def players(self):
        return (
            Player("judge", ("D",), self.judge_loss, self.optimizer, Z),
            Player("maker", ("G",), self.maker_loss, self.optimizer, Z, uses_data=False),
        )

    def judge_loss(self, nets, batch):
        real, fake = nets.D(batch.x), nets.D(self.sample(nets, batch.noise["z"]))
        return (real - 1).square().mean() + fake.square().mean(), {"real": real.mean()}

    def maker_loss(self, nets, batch):
        return (nets.D(self.sample(nets, batch.noise["z"])) - 1).square().mean(), {}

    def sample(self, nets, z):
        x = nets.G(z)
        return x.tanh() if x.ndim == 4 else x


def first_fault(model, *kinds):
    found = examine([Subject(model, kind, HERE) for kind in kinds])
    return next((finding for finding in found if finding.outcome is Outcome.FAILED), None)


@pytest.mark.run
def test_a_sound_model_has_no_faults():
    assert first_fault(Sound(), IMAGES, POINTS) is None


class Shaped(Sound):
    def sample(self, nets, z):
        return nets.G(z).flatten(1)


class TooLoud(Sound):
    def sample(self, nets, z):
        return nets.G(z)


class HalfRange(Sound):
    def sample(self, nets, z):
        return nets.G(z).sigmoid()


class Doubled(Sound):
    def sample(self, nets, z):
        return nets.G(z).double()


class Numpy(Sound):
    def sample(self, nets, z):
        return nets.G(z).detach().numpy()


class Random(Sound):
    def maker_loss(self, nets, batch):
        z = batch.noise["z"]
        return (nets.D(nets.G(z + torch.randn(z.shape))) - 1).square().mean(), {}


class PythonRandom(Sound):
    def maker_loss(self, nets, batch):
        return (nets.D(nets.G(batch.noise["z"])) - np.random.rand()).square().mean(), {}


class Dropped(Sound):
    def networks(self, data):
        return {
            **super().networks(data),
            "D": nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(data.size, 1)),
        }


class RandomSampler(Sound):
    def sample(self, nets, z):
        return nets.G(z) + torch.randn_like(nets.G(z))


class Item(Sound):
    def maker_loss(self, nets, batch):
        fake = nets.D(nets.G(batch.noise["z"]))
        return (fake - fake.mean().item()).square().mean(), {}


class Decides(Sound):
    def maker_loss(self, nets, batch):
        loss = nets.D(nets.G(batch.noise["z"])).mean()
        return (loss if loss > 0 else -loss), {}


class Masked(Sound):
    def maker_loss(self, nets, batch):
        fake = nets.D(nets.G(batch.noise["z"]))
        return (fake[fake < 1] - 1).square().mean(), {}


class InPlace(Sound):
    def maker_loss(self, nets, batch):
        fake = nets.D(nets.G(batch.noise["z"]))
        total = torch.zeros(len(fake), 1, dtype=fake.dtype)
        total += fake
        return (total - 1).square().mean(), {}


class IndexedInPlace(InPlace):
    def maker_loss(self, nets, batch):
        fake = nets.D(nets.G(batch.noise["z"]))
        total = torch.zeros(len(fake), dtype=fake.dtype)
        total[0] = fake[0, 0]
        return (total - 1).square().mean(), {}


class WritesInput(Sound):
    def maker_loss(self, nets, batch):
        batch.noise["z"].mul_(2)
        return super().maker_loss(nets, batch)


class Backward(Sound):
    def maker_loss(self, nets, batch):
        x = batch.noise["z"].clone().requires_grad_()
        (slope,) = torch.autograd.grad(nets.G(x).sum(), x)
        return slope.square().mean() + super().maker_loss(nets, batch)[0], {}


class Idle(Sound):
    def networks(self, data):
        return {**super().networks(data), "E": nn.Linear(2, 2)}


class Missing(Sound):
    @property
    def players(self):
        return (*super().players, Player("third", ("F",), self.maker_loss, self.optimizer, Z))


class Twins(Sound):
    @property
    def players(self):
        return tuple(replace(player, name="same") for player in super().players)


class TorchOptimizer(Sound):
    @property
    def players(self):
        return tuple(replace(player, optimizer=torch.optim.Adam) for player in super().players)


class Claims(Sound):
    """Says that the judge looks at no data, and it does."""

    @property
    def players(self):
        return (
            *super().players,
            Player("third", ("D",), self.judge_loss, self.optimizer, Z, uses_data=False),
        )


class Vector(Sound):
    def maker_loss(self, nets, batch):
        return (nets.D(nets.G(batch.noise["z"])) - 1).square(), {}


class LossAlone(Sound):
    def maker_loss(self, nets, batch):
        return super().maker_loss(nets, batch)[0]


class FloatLogs(Sound):
    def maker_loss(self, nets, batch):
        return super().maker_loss(nets, batch)[0], {"one": 1.0}


class NoLogs(Sound):
    def maker_loss(self, nets, batch):
        return super().maker_loss(nets, batch)[0], None


class HidesLoss(Sound):
    def maker_loss(self, nets, batch):
        loss, _ = super().maker_loss(nets, batch)
        return loss, {"loss": loss * 0}


class NaN(Sound):
    def maker_loss(self, nets, batch):
        return super().maker_loss(nets, batch)[0] + torch.zeros(1).log().mean() * 0, {}


class Raises(Sound):
    def maker_loss(self, nets, batch):
        return nets.D(batch.noise["zz"]).mean(), {}


@dataclass(frozen=True, kw_only=True)
class Explodes(Sound):
    optimizer: Any = SGD(lr=1e300)


class Single(Sound):
    def maker_loss(self, nets, batch):
        return torch.nn.functional.linear(nets.G(batch.noise["z"]), torch.ones(1, 2)).square().mean(), {}


class Cut(Sound):
    def maker_loss(self, nets, batch):
        return (nets.D(nets.G(batch.noise["z"]).detach()) - 1).square().mean(), {}


class Unused(Sound):
    def networks(self, data):
        nets = super().networks(data)
        nets["G"].register_parameter("spare", nn.Parameter(torch.ones(2)))
        return nets


class NotCalled(Sound):
    def maker_loss(self, nets, batch):
        return nets.D(batch.noise["z"][:, :2]).square().mean(), {}


class Rooted(Sound):
    def maker_loss(self, nets, batch):
        fake = nets.G(batch.noise["z"])
        return (fake - fake).square().sum().sqrt() + super().maker_loss(nets, batch)[0], {}


class Seeded(Sound):
    def networks(self, data):
        torch.manual_seed(0)
        return super().networks(data)


class TorchNorm(Sound):
    def networks(self, data):
        return {
            **super().networks(data),
            "D": nn.Sequential(nn.Linear(data.size, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)),
        }


class Indexed(Sound):
    def networks(self, data):
        nets = super().networks(data)
        nets["D"].register_buffer("index", torch.arange(3))
        return nets


@dataclass(frozen=True, kw_only=True)
class Counts(Sound):
    """A Python attribute goes from call to call, and shows only after some of them."""

    calls: list = field(default_factory=list)

    def maker_loss(self, nets, batch):
        self.calls.append(1)
        loss, logs = super().maker_loss(nets, batch)
        return loss * (1 + (len(self.calls) > 14)), logs


@dataclass(frozen=True, kw_only=True)
class Writes(Sound):
    def maker_loss(self, nets, batch):
        self.last = batch.noise["z"]
        return super().maker_loss(nets, batch)


class Stashes(Sound):
    """A running average over batches, in a variable of the module."""

    def maker_loss(self, nets, batch):
        loss, logs = super().maker_loss(nets, batch)
        old = STASH.get("mean", 0.0)
        STASH["mean"] = 0.9 * old + 0.1 * loss.detach()
        return loss + loss * old, logs


class Shares(Sound):
    """Looks through the vectorized noise at that of all lanes."""

    def maker_loss(self, nets, batch):
        transforms, z = torch._C._functorch, batch.noise["z"]
        of_all = transforms.get_unwrapped(z) if transforms.is_batchedtensor(z) else z
        loss, logs = super().maker_loss(nets, batch)
        return loss * (1 + of_all.mean()), logs


class BatchSampler(Sound):
    def sample(self, nets, z):
        x = nets.G(z)
        return x - x.mean(0)


class Constant(Sound):
    def sample(self, nets, z):
        return nets.G(torch.zeros_like(z))


class HalfLatent(Sound):
    def sample(self, nets, z):
        return nets.G(z * torch.tensor([1.0, 1.0, 0.0], dtype=z.dtype))


class Saturated(Sound):
    def sample(self, nets, z):
        return (nets.G(z) * 1e6).tanh()


class Prints(Sound):
    def maker_loss(self, nets, batch):
        with open("/dev/null", "w") as nowhere:  # noqa: PTH123
            nowhere.write("step")
        return super().maker_loss(nets, batch)


class NegativeJudge(Sound):
    def judge(self, nets, x):
        return nets.D(x)


class FlatEncode(Sound):
    def encode(self, nets, x):
        return nets.D(x).squeeze(1)


class CentredEncode(Sound):
    def encode(self, nets, x):
        return nets.D(x) - nets.D(x).mean()


WRONG = [
    (Shaped, IMAGES, "sample shape", r"have shape \(7, 16\), expected \(7, 1, 4, 4\)", "Reshape"),
    (TooLoud, IMAGES, "sample range", r"between -\d.* and \d.*, expected \[-1, 1\]", "tanh"),
    (HalfRange, IMAGES, "sample range", r"between [\d.e-]+ and 1, .*expected \[-1, 1\]", "2 \\* x - 1"),
    (Doubled, POINTS, "sample shape", "float64 with float32 parameters", "dtype of the parameters"),
    (
        Numpy,
        POINTS,
        "sample shape",
        r"a numpy array of shape \(7, 2\), expected a tensor",
        "Return the tensor",
    ),
    (
        Random,
        POINTS,
        "pure",
        r"loss of maker draws from, .*the random numbers that all share \((torch|numpy.random)\)",
        "noise=",
    ),
    (Dropped, POINTS, "pure", r"loss of judge \(dropout in D.1\) draws", "noise="),
    (RandomSampler, POINTS, "pure", "`sample` draws from, or seeds, the random numbers", "`prior`"),
    (
        Item,
        POINTS,
        "vectorized",
        r"maker.* takes a number out of a tensor.*line \d+ of .*`return \(fake",
        "torch.where",
    ),
    (Decides, POINTS, "vectorized", "or decides by one", "torch.where"),
    (InPlace, POINTS, "vectorized", r"in place.*`total \+= fake`", "`y = y \\+ x`"),
    (WritesInput, POINTS, "losses", "maker changes its inputs", "new tensor"),
    (Backward, POINTS, "losses", "autograd.grad|does not require grad", "torch.func.grad"),
    (Idle, POINTS, "networks", "'E' is trained by no player", "`trains`"),
    (Missing, POINTS, "networks", "trains 'F'.*only G, D", "same name"),
    (Twins, POINTS, "players", "two players are called 'same'", "name of its own"),
    (TorchOptimizer, POINTS, "players", "optimizer of player 'judge'", "genbench.models.optim"),
    (Claims, POINTS, "losses", "third reads `batch.x`", "Leave out `uses_data=False`"),
    (Vector, POINTS, "losses", r"maker is a tensor of shape \(8, 1\), expected a scalar", r"\.mean\(\)"),
    (
        LossAlone,
        POINTS,
        "losses",
        r"returns a tensor of shape \(\), expected \(loss, logs\)",
        "return loss, {}",
    ),
    (FloatLogs, POINTS, "losses", "log 'one' of maker is a float", "as a tensor"),
    (NoLogs, POINTS, "losses", r"returns nothing \(None\) as its logs", "return loss, {}"),
    (HidesLoss, POINTS, "losses", "log 'loss', which every player has", "another name"),
    (NaN, POINTS, "losses", "maker is nan before the first step", "logits"),
    (
        Raises,
        POINTS,
        "losses",
        r"raises KeyError: 'zz', in line \d+ of test_check_models.py",
        r"batch.noise\[name\]",
    ),
    (Single, POINTS, "precision", "with float64, the loss of maker raises", "zeros_like"),
    (
        Cut,
        POINTS,
        "gradient flow",
        "G.0.weight gets no gradient .* although the loss depends on it",
        "detach",
    ),
    (Rooted, POINTS, "gradients", "gradient of G.0.weight in the loss of maker is not finite", "sqrt"),
    (Seeded, POINTS, "networks", "same weights for every seed", "manual_seed"),
    (TorchNorm, POINTS, "networks", "D.1 is torch's BatchNorm1d", "genbench.models.normalization.BatchNorm"),
    (Indexed, POINTS, "networks", "buffer D.index is int64", "forward"),
    (Counts, POINTS, "same again", "twice with the same seeds", "from one call to the next"),
    (
        Writes,
        POINTS,
        "losses",
        "FrozenInstanceError: cannot assign to field 'last', in line",
        "keeps nothing",
    ),
    (
        Stashes,
        POINTS,
        "pure",
        "maker gives another value when it is called again",
        "from one call to the next",
    ),
    (
        Shares,
        POINTS,
        "alone",
        "seed 1 alone trains to other numbers than beside the seeds 2 and 3",
        "arguments alone",
    ),
    (
        BatchSampler,
        POINTS,
        "batch mates",
        "drawn alone is another than the one drawn with 8 more",
        "BatchNorm",
    ),
    (Constant, POINTS, "variety", "64 different latents give the same sample", "Pass z"),
]

LATE = [
    (
        PythonRandom,
        POINTS,
        "pure",
        r"loss of maker draws from, .*the random numbers that all share \((torch|numpy.random)\)",
        "noise=",
    ),
    (Masked, POINTS, "vectorized", "boolean mask", "Multiply by the mask"),
    (IndexedInPlace, POINTS, "vectorized", r"in place.*`total\[0\] = ", "torch.stack"),
    (Explodes, POINTS, "first steps", "no longer finite after", "learning rate"),
    (Unused, POINTS, "gradient flow", "G.spare gets no gradient: the output of G does not depend", "forward"),
    (NotCalled, POINTS, "gradient flow", "maker never calls nets.G", "Call it"),
    (
        HalfLatent,
        POINTS,
        "variety",
        r"1 of the latent's coordinates change nothing .*number 2",
        "`prior` smaller",
    ),
    (Saturated, IMAGES, "variety", "of the pixels are black or white", "smaller weights"),
    (Prints, IMAGES, "captured", "cannot capture", "print"),
]
"""More of the same, for the slow tests."""

OFFERED = [
    (
        NegativeJudge,
        "judge",
        r"`judge` gives a tensor of shape \(8, 1\), expected one of shape \(8,\)",
        "squeeze",
    ),
    (
        FlatEncode,
        "encode",
        r"`encode` gives a tensor of shape \(8,\), expected",
        "mean of the latents",
    ),
    (CentredEncode, "encode", "depends on the others of its batch", "over the batch"),
]


@pytest.mark.parametrize(
    ("kind", "data", "check", "words", "remedy"),
    [*WRONG, *(pytest.param(*case, marks=pytest.mark.run) for case in LATE)],
)
def test_the_first_fault_told_is_the_cause(kind, data, check, words, remedy):
    finding = first_fault(kind(), data)
    assert finding, "no fault was found"
    assert finding.check == check, finding
    assert re.search(words, finding.words), finding.words
    assert re.search(remedy, finding.remedy), finding.remedy


@pytest.mark.parametrize(("kind", "check", "words", "remedy"), OFFERED)
def test_what_is_offered_and_wrong(kind, check, words, remedy):
    (finding,) = examine([Subject(kind(), POINTS, HERE)], [c for c in CHECKS if c.name == check])
    assert finding.outcome is Outcome.FAILED
    assert re.search(words, finding.words), finding.words
    assert re.search(remedy, finding.remedy), finding.remedy


def test_nothing_is_said_that_an_earlier_fault_makes_meaningless():
    found = {f.check: f for f in examine([Subject(NaN(), POINTS, HERE)])}
    assert found["losses"].outcome is Outcome.FAILED
    assert found["sample shape"].outcome is Outcome.PASSED
    assert found["alone"].outcome is Outcome.SKIPPED
    assert "'losses'" in found["alone"].words
    assert [f.check for f in found.values() if f.outcome is Outcome.FAILED] == ["losses"]


def undocumented():
    @dataclass(frozen=True)
    class Undocumented:
        version: ClassVar[str] = "1"

    return Undocumented


def changeable():
    @dataclass
    class Changeable:
        """A model."""

    return Changeable


def unversioned():
    @dataclass(frozen=True)
    class Unversioned(Sound):
        """A model that only inherits its version."""

    return Unversioned


@pytest.mark.parametrize(
    ("kind", "words", "remedy"),
    [
        (lambda: type("Plain", (), {}), "no dataclass", "@dataclass"),
        (changeable, "can be changed after it is made", "frozen=True"),
        (unversioned, "no version of its own", "ClassVar"),
        (undocumented, "no docstring", "in one line"),
    ],
)
def test_what_a_class_must_say_of_itself(kind, words, remedy):
    with pytest.raises(Fault, match=words) as raised:
        declared(kind())
    assert remedy in raised.value.remedy


def test_options_that_cannot_be_had():
    @dataclass(frozen=True)
    class Needs(Sound):
        """A model."""

        latent: int

        def __post_init__(self):
            if self.latent > 9:
                raise RuntimeError("too many")

    with pytest.raises(Fault, match=r"my\.latent is missing") as raised:
        built("my", Needs, {})
    assert "--set" in raised.value.remedy


def test_data_that_a_model_refuses_is_told():
    class Picky(Sound):
        def networks(self, data):
            if not data.is_image:
                raise GenbenchError("this model is for images")
            return super().networks(data)

    assert refusal(Subject(Picky(), POINTS)) == "this model is for images"
    assert refusal(Subject(Picky(), IMAGES)) == ""
