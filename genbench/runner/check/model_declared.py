"""What a model says of itself: its class, its options, its players, its networks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from genbench.core.errors import GenbenchError
from genbench.models.optim import SGD, Adam, RMSprop
from genbench.models.protocol import GenerativeModel, Noise, Player
from genbench.runner.check.blame import raised, source_of
from genbench.runner.check.finding import Fault
from genbench.runner.check.subject import CPU, Subject, blamed, described
from genbench.runner.sample import build_model
from genbench.suite.options import build
from genbench.suite.plan import ModelSpec
from genbench.train.state import initial_state, skeletons


def declared(kind: type) -> str:
    """A frozen dataclass that has a version and says what it is."""
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise Fault(
            f"what is registered is {described(kind)} and no dataclass, whose fields are the options",
            "Write `@dataclass(frozen=True, kw_only=True)` below `@models.register(...)`.",
        )
    frozen: bool = kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if not frozen:
        raise Fault(
            f"{kind.__name__} can be changed after it is made, so its records would not say what was trained",
            "Write `@dataclass(frozen=True, kw_only=True)`.",
        )
    version = vars(kind).get("version")
    if not (isinstance(version, str) and version):
        raise Fault(
            f"{kind.__name__} has no version of its own, which records keep beside every number",
            'Add `version: ClassVar[str] = "1"`, and raise it with every change that moves numbers.',
        )
    about = inspect.getdoc(kind) or ""
    if not about or about.startswith(f"{kind.__name__}("):  # what dataclass writes where there is none
        raise Fault(
            f"{kind.__name__} has no docstring; `genbench list models` shows its first line",
            "Say in one line below `class` what the model is, and where it is from.",
        )
    return f"a frozen dataclass, version {version}"


def built(name: str, kind: type, options: Mapping[str, Any]) -> tuple[GenerativeModel, str]:
    """The model, and its options for people."""
    try:
        _, all_options = build(kind, options, name)
        spec = ModelSpec(name, name, str(vars(kind).get("version", "")), options)
        model = build_model(spec)
    except GenbenchError as error:
        raise Fault(
            str(error).rstrip("."),
            "Give each option a type that TOML can write and a default; `--set option=value` gives another.",
        ) from error
    except Exception as error:
        raise Fault(
            f"making the model from its options raises {raised(error, source_of(kind))}",
            "Options are the fields of the dataclass; check them where they are used.",
        ) from error
    return model, ", ".join(all_options) or "none"


def refusal(subject: Subject) -> str:
    """In what words the model refuses data of this shape; empty where it takes it, or fails otherwise."""
    try:
        subject.model.prior(subject.data)
        skeletons(subject.model, subject.data)
    except GenbenchError as error:
        return str(error)
    except Exception:
        return ""  # "networks" tells it
    return ""


def players(subject: Subject) -> str:
    """Who plays: names, networks, noise, repeats."""
    with blamed(subject, "`players`", "Return a tuple of Player, in the order of one step."):
        everyone = tuple(subject.model.players)
    if not everyone or not all(isinstance(player, Player) for player in everyone):
        raise Fault(
            "`players` gives something else than one or more Player",
            "Return `(Player(...), ...)`, with genbench.models.protocol.Player.",
        )
    names = [player.name for player in everyone]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Fault(
            f"two players are called {twice[0]!r}, and curves and optimizers go by that name",
            "Give each a name of its own.",
        )
    for player in everyone:
        _player(player)
    if not any(player.uses_data for player in everyone):
        raise Fault("no player looks at data", "Leave out `uses_data=False` where the loss reads `batch.x`.")
    return ", ".join(f"{p.name} trains {' and '.join(p.trains)}" for p in everyone)


def networks(subject: Subject) -> str:
    """Which networks there are, and whether the trainer can hold them."""
    model = subject.model
    with blamed(
        subject,
        f"`networks` for data of shape {subject.data.shape}",
        "Build the networks from `data.shape`, or raise GenbenchError with a sentence that says which data "
        "the model is for.",
    ):
        nets = skeletons(model, subject.data)
    for name, net in nets.items():
        if not isinstance(net, nn.Module):
            raise Fault(f"network {name!r} is {described(net)}", "Return nn.Module by name.")
        if not name.isidentifier() or name.startswith("_"):
            raise Fault(
                f"a network is called {name!r}, which losses cannot write as `nets.{name}`",
                "Give it the name of a Python variable.",
            )
        _network(name, net)
    trained = [net for player in model.players for net in player.trains]
    if unknown := [net for net in trained if net not in nets]:
        raise Fault(
            f"a player trains {unknown[0]!r}, and `networks` has no such network, only {', '.join(nets)}",
            "Use the same name in both.",
        )
    if untrained := [name for name in nets if name not in trained]:
        raise Fault(
            f"network {untrained[0]!r} is trained by no player",
            "Add it to the `trains` of a player, or take it out of `networks`.",
        )
    _beginnings(subject)
    count = sum(p.numel() for net in nets.values() for p in net.parameters())
    return f"{', '.join(nets)}: {count:,} parameters"


def _player(player: Player) -> None:
    where = f"player {player.name!r}"
    if not player.trains or isinstance(player.trains, str):
        raise Fault(f"{where} trains {player.trains!r}", 'Give the names of its networks: `trains=("G",)`.')
    if player.repeats < 1:
        raise Fault(f"{where} makes {player.repeats} updates in a step", "`repeats` is 1 or more.")
    if not callable(player.loss):
        raise Fault(f"the loss of {where} is {described(player.loss)}", "Give a function of (nets, batch).")
    if not isinstance(player.optimizer, Adam | RMSprop | SGD):
        raise Fault(
            f"the optimizer of {where} is {described(player.optimizer)}",
            "Use Adam, RMSprop or SGD of genbench.models.optim: the trainer does their arithmetic itself.",
        )
    if wrong := [name for name, noise in player.noise.items() if not isinstance(noise, Noise)]:
        raise Fault(
            f"the noise {wrong[0]!r} of {where} is {described(player.noise[wrong[0]])}",
            "Declare it by its shape: `Noise((16,))`.",
        )


def _network(name: str, net: nn.Module) -> None:
    for path, layer in net.named_modules():
        where = f"{name}.{path}" if path else name
        if isinstance(layer, _NormBase) and layer.track_running_stats:
            raise Fault(
                f"{where} is torch's {type(layer).__name__}, which writes running averages while it "
                "computes: seeds could not be trained together",
                "Use genbench.models.normalization.BatchNorm, whose statistics genbench fills in before "
                "sampling.",
            )
    for path, buffer in net.named_buffers():
        if not buffer.is_floating_point():
            raise Fault(
                f"buffer {name}.{path} is {str(buffer.dtype).removeprefix('torch.')}, and genbench keeps all "
                "buffers in the precision of the parameters",
                "Compute indices and masks in `forward`, or keep them as float.",
            )
    if not list(net.parameters()):
        raise Fault(f"network {name!r} has no parameters", "Write it as a function in the loss.")


def _beginnings(subject: Subject) -> None:
    """Each seed begins with weights of its own, and always with the same ones."""
    with blamed(subject, "building the networks", "Build them from `data.shape` and the options alone."):
        one, again, other = (
            initial_state(subject.model, subject.data, [seed], device=CPU, dtype=torch.float32)
            for seed in (1, 1, 2)
        )
    for net, tensors in one.params.items():
        if any(not torch.equal(tensor, again.params[net][name]) for name, tensor in tensors.items()):
            raise Fault(
                f"network {net!r} begins with other weights each time, although the seed is the same",
                "Draw initial weights by torch's own generator (torch.nn.init), which genbench seeds.",
            )
        if all(torch.equal(tensor, other.params[net][name]) for name, tensor in tensors.items()):
            raise Fault(
                f"network {net!r} begins with the same weights for every seed",
                "Leave out torch.manual_seed and constant weights: seeds are there to differ.",
            )
        if wrong := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
            raise Fault(
                f"{net}.{wrong[0]} begins with values that are not finite",
                "Initialize every parameter (torch.empty leaves whatever memory held).",
            )
