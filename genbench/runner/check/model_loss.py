"""What losses must be: pure functions that can be vectorized over seeds and differentiated."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from genbench.models.protocol import Batch, Nets, Player
from genbench.runner.check.blame import line_of, raised
from genbench.runner.check.bystanders import nobodys_random_numbers
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
    updated_once,
)
from genbench.train.state import TrainState, initial_state, skeletons
from genbench.train.update import GRADIENT_NORM, as_seen

PURE = "A loss may depend on its arguments alone: keep nothing from one call to the next, wherever that is."

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
        "cannot assign to field",
        "writes into the model",
        "A model is its options and keeps nothing: return what is worth a curve as a log.",
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


def pure(subject: Subject) -> str:
    """Losses and the sampler take what is random as an input, and keep nothing from one call to the next."""
    state = initial_state(subject.model, subject.data, [1], device=CPU)
    z = latents(subject, BATCH, dtype=torch.float32)
    remedy = "Make the latent larger in `prior`, and use a part of it as the noise."
    with nobodys_random_numbers("`sample`", remedy), torch.no_grad():
        subject.model.sample(nets_of(subject, state), z)
    for player in subject.model.players:
        batch, nets = batch_of(subject, player, torch.float32), nets_of(subject, state, training=True)
        who = f"the loss of {player.name}{_dropout(subject)}"
        with nobodys_random_numbers(who, DECLARE_NOISE), torch.no_grad():
            values = [player.loss(nets, batch)[0] for _ in range(2)]
        if not torch.equal(*values):
            raise Fault(
                f"the loss of {player.name} gives another value when it is called again with the same inputs",
                PURE,
            )
    return "losses and `sample` depend on their inputs alone"


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
                updated_once(subject, player, copy.deepcopy(subject.initial))
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


def _dropout(subject: Subject) -> str:
    layers = [
        f"{net}.{path}"
        for net, module in skeletons(subject.model, subject.data).items()
        for path, layer in module.named_modules()
        if isinstance(layer, nn.modules.dropout._DropoutNd)
    ]
    return f" (dropout in {', '.join(layers)})" if layers else ""
