"""What losses must be: pure functions that can be vectorized over seeds and differentiated."""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import grad

from genbench.models.protocol import Batch, Nets, Player
from genbench.runner.check.blame import line_of, raised
from genbench.runner.check.finding import Fault
from genbench.runner.check.subject import (
    BATCH,
    CPU,
    SEEDS,
    Subject,
    batch_of,
    blamed,
    described,
    latents,
    nets_of,
    plain,
)
from genbench.train.program import inputs_of
from genbench.train.settings import Settings
from genbench.train.state import TrainState, initial_state, skeletons
from genbench.train.update import GRADIENT_NORM, as_seen, stacked_update

RESERVED = ("loss", GRADIENT_NORM)
"""Logs that every player has anyway."""

DECLARE_NOISE = 'Declare them in the player (`noise={"e": Noise((16,))}`) and read `batch.noise["e"]`.'

VMAP_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        ".item()",
        "takes a number out of a tensor (.item(), float(), int()) or decides by one (if, while, and, or)",
        "Keep numbers as tensors, and decide with torch.where, clamp or relu.",
    ),
    (
        "data pointer of Tensor",
        "takes numbers out of a tensor (.numpy(), .tolist())",
        "Stay with torch functions from the inputs to the loss.",
    ),
    (
        "random operation",
        "draws random numbers",
        DECLARE_NOISE,
    ),
    (
        "dynamic shape",
        "makes a tensor whose size depends on values (a boolean mask as index, nonzero, unique)",
        "Multiply by the mask, or use torch.where.",
    ),
    (
        "in-place",
        "writes into a tensor it was given (a buffer, a parameter, an input)",
        "Make a new tensor: `y = y + x` instead of `y += x`; torch.stack or torch.cat instead of `y[i] = x`.",
    ),
    (
        "inplace",
        "writes in place (`y[i] = x`, `y += x`) into a tensor that all seeds would share",
        "Make a new tensor: `y = y + x` instead of `y += x`; torch.stack or torch.cat instead of `y[i] = x`.",
    ),
    (
        "broadcast shape",
        "writes in place (`y += x`) into a tensor that all seeds would share",
        "Make a new tensor: `y = y + x` instead of `y += x`; torch.stack or torch.cat instead of `y[i] = x`.",
    ),
    (
        "backward()",
        "calls backward()",
        "Return the loss: genbench differentiates it.",
    ),
    (
        "does not require grad",
        "calls torch.autograd.grad",
        "Use torch.func.grad, which can be vectorized, for a gradient inside a loss.",
    ),
)
"""What stops a function from being vectorized: part of torch's message, the cause, the remedy."""

OTHERWISE = (
    "Write it with plain torch functions of whole batches; take no numbers out, write nothing in place."
)


def losses(subject: Subject) -> str:
    """Each loss gives a finite scalar and a table of scalars, and leaves its inputs alone."""
    state = initial_state(subject.model, subject.data, [1], device=CPU)
    seen = []
    for player in subject.model.players:
        nets, batch = nets_of(subject, state, training=True), batch_of(subject, player, torch.float32)
        before = copy.deepcopy((batch, state))
        value, logs = _loss(subject, player, nets, batch)
        _check_value(player, value, torch.float32)
        _check_logs(player, logs)
        if not value.isfinite():
            raise Fault(
                f"the loss of {player.name} is {value.item()} before the first step",
                "Look for log, sqrt or division of something that can be 0; work with logits (softplus, "
                "logsigmoid) instead of probabilities.",
            )
        if not _equal(before, (batch, state)):
            raise Fault(
                f"the loss of {player.name} changes its inputs in place (an example, noise, or a parameter)",
                "Make a new tensor instead of writing into one: `x = x + y` instead of `x += y`.",
            )
        if not player.uses_data:
            other = Batch(as_seen(subject.examples[1:2], torch.float32), batch.noise)
            again, moved = (_loss(subject, player, nets, each)[0] for each in (batch, other))
            if torch.equal(value, again) and not torch.equal(value, moved):
                raise Fault(
                    f"the loss of {player.name} reads `batch.x`, and its player says `uses_data=False`",
                    "Leave out `uses_data=False`.",
                )
        seen.append(f"{player.name} {value.item():.3g}")
    return f"finite scalars at the start: {', '.join(seen)}"


def draws_nothing(subject: Subject) -> str:
    """Losses and the sampler take what is random as an input."""
    state = initial_state(subject.model, subject.data, [1], device=CPU)
    z = latents(subject, BATCH, dtype=torch.float32)
    with _watched() as drawn, torch.no_grad():
        subject.model.sample(nets_of(subject, state), z)
    if drawn:
        raise Fault(
            "`sample` draws random numbers: the same latent would give other samples each time",
            "Make the latent larger in `prior` and use a part of it as the noise.",
        )
    for player in subject.model.players:
        batch, nets = batch_of(subject, player, torch.float32), nets_of(subject, state, training=True)
        with _watched() as drawn, torch.no_grad():
            player.loss(nets, batch)
        if drawn:
            raise Fault(
                f"the loss of {player.name} draws random numbers{_dropout(subject)}: training could not be "
                "repeated, and not be vectorized over seeds",
                DECLARE_NOISE,
            )
    return "neither losses nor `sample` draw random numbers of their own"


def precisions(subject: Subject) -> str:
    """Losses work in the precision of the parameters, whatever it is, with networks in bfloat16 too."""
    wide, narrow = (
        initial_state(subject.model, subject.data, [1], device=CPU, dtype=dtype)
        for dtype in (torch.float64, torch.float32)
    )
    for player in subject.model.players:
        for state, compute in ((wide, None), (narrow, torch.bfloat16)):
            said = "float64" if compute is None else "bfloat16 networks"
            nets = nets_of(subject, state, training=True, compute=compute)
            remedy = "Cast to no dtype, and make constants like what they meet: torch.zeros_like(x)."
            with blamed(subject, f"with {said}, the loss of {player.name}", remedy):
                value, _ = player.loss(nets, batch_of(subject, player, state.dtype))
            if value.dtype != state.dtype:
                raise Fault(
                    f"with {said}, the loss of {player.name} is {plain(value.dtype)} and its "
                    f"parameters are {plain(state.dtype)}",
                    remedy,
                )
    return "losses keep the precision of the parameters (float32, float64, networks in bfloat16)"


def vectorized(subject: Subject) -> str:
    """One update of each player runs over several seeds at once."""
    slow: set[str] = set()
    for player in subject.model.players:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            try:
                _update(subject, player, copy.deepcopy(subject.initial))
            except Exception as error:
                text = str(error)
                where = f"the loss of {player.name}, or a network in it,"
                for part, cause, remedy in VMAP_WORDS:
                    if part in text:
                        raise Fault(f"{where} {cause}, {line_of(error, subject.file)}", remedy) from error
                raise Fault(
                    f"{where} cannot be vectorized over seeds: {raised(error, subject.file)}", OTHERWISE
                ) from error
        slow |= {str(w.message).partition("batching rule for ")[2].split(".")[0] for w in heard} - {""}
    if slow:
        return (
            f"{len(SEEDS)} seeds at once, but one after the other in {', '.join(sorted(slow))}, which is slow"
        )
    return f"an update of {len(SEEDS)} seeds at once"


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
        _update(subject, player, state)
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


def _loss(subject: Subject, player: Player, nets: Nets, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
    remedy = (
        "It gets images (B, C, H, W) in [-1, 1] or points (B, D) as batch.x, noise (B, ...) as "
        "batch.noise[name], and calls networks as nets.NAME(x)."
    )
    try:
        with torch.no_grad():
            result = player.loss(nets, batch)
    except Exception as error:
        known = [remedy for part, _, remedy in VMAP_WORDS if part in str(error)]
        words = f"the loss of {player.name} raises {raised(error, subject.file)}"
        raise Fault(words, known[0] if known else remedy) from error
    if not (isinstance(result, tuple) and len(result) == 2):
        raise Fault(
            f"the loss of {player.name} returns {described(result)}, expected (loss, logs)",
            "End it with `return loss, {}`; the table is of scalars worth a curve.",
        )
    return result


def _check_value(player: Player, value: object, dtype: torch.dtype) -> None:
    if not isinstance(value, Tensor) or value.ndim != 0:
        raise Fault(
            f"the loss of {player.name} is {described(value)}, expected a scalar tensor, of shape ()",
            "Take the mean over the batch: `loss.mean()`."
            if isinstance(value, Tensor)
            else "Compute it with torch functions only, and do not call .item() or .numpy().",
        )
    if value.dtype != dtype:
        raise Fault(
            f"the loss of {player.name} is {plain(value.dtype)} with float32 parameters",
            "Cast to no dtype, and make constants like what they meet (torch.zeros_like(x)).",
        )


def _check_logs(player: Player, logs: object) -> None:
    if not isinstance(logs, Mapping):
        raise Fault(
            f"the loss of {player.name} returns {described(logs)} as its logs, expected a dict",
            "End it with `return loss, {}`.",
        )
    for name, log in logs.items():
        if name in RESERVED:
            raise Fault(
                f"the loss of {player.name} has a log {name!r}, which every player has anyway",
                "Leave it out, or give it another name.",
            )
        if not isinstance(log, Tensor) or log.ndim != 0:
            raise Fault(
                f"the log {name!r} of {player.name} is {described(log)}, expected a scalar tensor",
                "Log the mean over the batch as a tensor: `x.mean()`, without .item().",
            )


def _equal(one: tuple[Batch, TrainState], other: tuple[Batch, TrainState]) -> bool:
    def tensors(batch: Batch, state: TrainState) -> Iterator[Tensor]:
        yield batch.x
        yield from batch.noise.values()
        for tree in (state.params, state.buffers):
            yield from (tensor for own in tree.values() for tensor in own.values())

    return all(torch.equal(a, b) for a, b in zip(tensors(*one), tensors(*other), strict=True))


@contextmanager
def _watched() -> Iterator[list[str]]:
    """Which generators are drawn from inside; they are put back."""
    drawn: list[str] = []
    of_torch, of_python, of_numpy = torch.get_rng_state(), random.getstate(), np.random.get_state()
    try:
        yield drawn
    finally:
        if not torch.equal(of_torch, torch.get_rng_state()):
            drawn.append("torch")
        if of_python != random.getstate():
            drawn.append("random")
        if repr(of_numpy) != repr(np.random.get_state()):
            drawn.append("numpy")
        torch.set_rng_state(of_torch)
        random.setstate(of_python)
        np.random.set_state(of_numpy)


def _dropout(subject: Subject) -> str:
    layers = [
        f"{net}.{path}"
        for net, module in skeletons(subject.model, subject.data).items()
        for path, layer in module.named_modules()
        if isinstance(layer, nn.modules.dropout._DropoutNd)
    ]
    return f" (dropout in {', '.join(layers)})" if layers else ""


def _update(subject: Subject, player: Player, state: TrainState) -> None:
    settings = Settings(steps=1, batch_size=BATCH, device=CPU, master=torch.float64)
    order, noise, corrected = inputs_of(player, SEEDS, 0, subject.examples, settings)
    stacked_update(skeletons(subject.model, subject.data), player, None)(
        state.params,
        {},
        state.buffers,
        state.slots[player.name],
        {name: c[0, 0] for name, c in corrected.items()},
        subject.examples,
        order[0, 0],
        {name: n[0, 0] for name, n in noise.items()},
    )


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
