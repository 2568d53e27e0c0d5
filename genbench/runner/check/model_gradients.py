"""How gradients must flow: finite, to every parameter that is trained, and to no other."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import grad

from genbench.models.protocol import Nets, Player
from genbench.runner.check.finding import Fault
from genbench.runner.check.subject import Subject, batch_of, updated_once
from genbench.train.state import TrainState, skeletons


def gradients_at_start(subject: Subject) -> str:
    """Every gradient is finite before the first step."""
    for player in subject.model.players:
        for where, gradient in _gradients(subject, player, subject.initial).items():
            if not gradient.isfinite().all():
                raise Fault(
                    f"the gradient of {where} in the loss of {player.name} is not finite",
                    "Look for sqrt, norm, log or division at 0, and for torch.where over such a branch.",
                )
    return "finite at the start"


def gradient_flow(subject: Subject) -> str:
    """Every parameter that a player trains gets a gradient that is not nothing."""
    shifts: list[str] = []
    for player in subject.model.players:
        flowing: set[str] = set()
        for state in (
            subject.initial,
            subject.trained.state,
        ):  # a layer that begins at zero hides those before it
            gradients = _gradients(subject, player, state)
            flowing |= {where for where, gradient in gradients.items() if gradient.abs().max() > 0}
        for net in player.trains:
            names = [name for name in subject.initial.params[net] if f"{net}.{name}" not in flowing]
            shifts += [f"{net}.{name}" for name in names if _only_shifts(subject, player, net, name)]
    if shifts:
        return f"reaches every parameter but {', '.join(shifts)}, which shifts all outputs alike and no loss"
    return "reaches every parameter that is trained"


def own_networks(subject: Subject) -> str:
    """A player changes the networks that it trains, and no other."""
    for player in subject.model.players:
        state = copy.deepcopy(subject.initial)
        updated_once(subject, player, state)
        for net, tensors in state.params.items():
            fresh = subject.initial.params[net]
            changed = any(not torch.equal(tensor, fresh[name]) for name, tensor in tensors.items())
            if changed and net not in player.trains:
                raise Fault(
                    f"an update of {player.name} changes network {net!r}, which it does not train",
                    "Write into no parameter; add the network to `trains` if it is meant to be trained.",
                )
            if net in player.trains and not changed:
                raise Fault(
                    f"an update of {player.name} leaves network {net!r} as it was",
                    "Raise the learning rate, or take the network out of `trains`.",
                )
    return "a player changes the networks it trains and no other"


def _value(
    subject: Subject,
    player: Player,
    state: TrainState,
    modules: Mapping[str, nn.Module],
    trained: Mapping[str, Mapping[str, Tensor]],
) -> Tensor:
    """The loss of the first lane with these parameters of the trained networks."""
    tensors = {
        net: {name: t[0] for name, t in {**state.params[net], **state.buffers[net]}.items()}
        | dict(trained.get(net, {}))
        for net in modules
    }
    return player.loss(Nets(modules, tensors), batch_of(subject, player, state.dtype))[0]


def _gradients(subject: Subject, player: Player, state: TrainState) -> dict[str, Tensor]:
    modules = skeletons(subject.model, subject.data)
    start = {net: {name: t[0] for name, t in state.params[net].items()} for net in player.trains}
    gradients = grad(partial(_value, subject, player, state, modules))(start)
    return {f"{net}.{name}": g for net, own in gradients.items() for name, g in own.items()}


def _only_shifts(subject: Subject, player: Player, net: str, name: str) -> bool:
    """Why a parameter gets no gradient; true where it is one number and moves outputs, but not the loss.

    As the last bias of a Wasserstein critic does, whose loss is a difference of its outputs.

    Raises:
        Fault: it is a mistake.
    """
    state = subject.trained.state
    modules = skeletons(subject.model, subject.data)
    outputs: list[Tensor] = []
    hook = modules[net].register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    own = {key: tensor[0] for key, tensor in state.params[net].items()}
    with torch.no_grad():
        before = _value(subject, player, state, modules, {net: own})
        first, outputs[:] = list(outputs), []
        after = _value(subject, player, state, modules, {net: {**own, name: own[name] + 0.1}})
    hook.remove()
    where = f"{net}.{name}"
    if not torch.allclose(before, after, rtol=1e-9, atol=1e-12):
        raise Fault(
            f"{where} gets no gradient from the loss of {player.name}, although the loss depends on it",
            "Something between them cuts the gradient: .detach(), torch.no_grad(), .data, rounding, argmax, "
            "sign, or a comparison. Take it out of the way.",
        )
    if not first:
        raise Fault(
            f"the loss of {player.name} never calls nets.{net}, which it trains",
            f"Call it, or take {net!r} out of the `trains` of {player.name}.",
        )
    if all(torch.equal(a, b) for a, b in zip(first, outputs, strict=True)):
        raise Fault(
            f"{where} gets no gradient: the output of {net} does not depend on it",
            "Use it in `forward`, or take it out of the network.",
        )
    if own[name].numel() == 1:
        return True
    raise Fault(
        f"{where} gets no gradient: it changes the output of {net}, but not the loss of {player.name}",
        "Have the loss depend on that output, or take the parameter out.",
    )
