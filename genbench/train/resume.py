"""What a training is continued from after its process has ended: one safetensors file with all lanes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from pydantic import ConfigDict
from torch import Tensor

from genbench.core.errors import CheckpointError
from genbench.train.checkpoint import SEPARATOR, flat, unflat
from genbench.train.trace import TraceSoFar
from genbench.train.training import Past

_NORMS, _TRACE, _CLOCK, _CURVES = "norms", "trace", "clock", "curves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What of a training is no tensor; names as in ``Past``.

    Attributes:
        step: finished steps.
        names: of the state's tensors, in its order, in which sums over them are made; files sort them.
        logs: names of the curves.
        traced: steps of the snapshots.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    step: Annotated[int, Ge(0)]
    diverged: tuple[int | None, ...]
    compiled: bool
    shared: bool
    compile_s: float
    peak_memory: int | None
    warmups: tuple[int, ...]
    ended: bool
    names: tuple[str, ...]
    logs: tuple[str, ...]
    traced: tuple[int, ...]


def pack(past: Past, trace: TraceSoFar | None) -> tuple[Facts, dict[str, Tensor]]:
    """A training, with its trace, as facts and named tensors on the CPU."""
    logs = tuple(past.curves[0][1]) if past.curves else ()
    tensors = {name: tensor.cpu().contiguous() for name, tensor in flat(past.state).items()}
    tensors |= {_name(_NORMS, player): norms.cpu() for player, norms in past.gradient_norms.items()}
    tensors |= {
        _name(_CLOCK, "steps"): torch.tensor([steps for steps, _ in past.blocks], dtype=torch.int64),
        _name(_CLOCK, "seconds"): torch.tensor([s for _, s in past.blocks], dtype=torch.float64),
        _name(_CLOCK, "joules"): torch.tensor(past.joules, dtype=torch.float64),
        _name(_CURVES, "steps"): torch.tensor([step for step, _ in past.curves], dtype=torch.int64),
    }
    for log in logs:  # (segments, K)
        values = [means[log] for _, means in past.curves]
        tensors[_name(_CURVES, "values", log)] = torch.tensor(values, dtype=torch.float64)
    if trace is not None:
        tensors |= {_name(_TRACE, "samples"): trace.samples, _name(_TRACE, "moved"): trace.moved}
        for name, kept in (("last", trace.last), ("middle", trace.at_middle)):
            tensors |= {  # the middle may be the last: files hold no tensor twice
                _name(_TRACE, name, str(number)): tensor.cpu().clone(memory_format=torch.contiguous_format)
                for number, tensor in enumerate(kept)
            }
    facts = Facts(
        names=tuple(flat(past.state)),
        step=past.state.step,
        diverged=past.diverged,
        compiled=past.compiled,
        shared=past.shared,
        compile_s=past.compile_s,
        peak_memory=past.peak_memory,
        warmups=past.warmups,
        ended=past.ended,
        logs=logs,
        traced=trace.steps if trace is not None else (),
    )
    return facts, tensors


def unpack(
    facts: Facts, tensors: Mapping[str, Tensor], device: torch.device
) -> tuple[Past, TraceSoFar | None]:
    """The training that ``pack`` was given; its state and trace on the device.

    Raises:
        CheckpointError: these are not facts and tensors of one training.
    """
    try:
        return _past(facts, tensors, device), _trace(facts, tensors, device)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise CheckpointError(f"it does not hold what a training is continued from ({error!r}).") from error


def _past(facts: Facts, tensors: Mapping[str, Tensor], device: torch.device) -> Past:
    of_state = {name: tensors[name].to(device) for name in facts.names}
    clock = {name: tensors[_name(_CLOCK, name)].tolist() for name in ("steps", "seconds", "joules")}
    values = {log: tensors[_name(_CURVES, "values", log)].tolist() for log in facts.logs}
    steps = tensors[_name(_CURVES, "steps")].tolist()
    curves = [(step, {log: values[log][place] for log in facts.logs}) for place, step in enumerate(steps)]
    prefix = _name(_NORMS, "")
    return Past(
        state=unflat(of_state, facts.step),
        diverged=facts.diverged,
        compiled=facts.compiled,
        shared=facts.shared,
        compile_s=facts.compile_s,
        curves=tuple(curves),
        blocks=tuple(zip(clock["steps"], clock["seconds"], strict=True)),
        joules=tuple(clock["joules"]),
        gradient_norms={
            name.removeprefix(prefix): norms for name, norms in tensors.items() if name.startswith(prefix)
        },
        peak_memory=facts.peak_memory,
        warmups=facts.warmups,
        ended=facts.ended,
    )


def _trace(facts: Facts, tensors: Mapping[str, Tensor], device: torch.device) -> TraceSoFar | None:
    if not facts.traced:
        return None

    def kept(name: str) -> tuple[Tensor, ...]:
        prefix = _name(_TRACE, name, "")
        count = sum(key.startswith(prefix) for key in tensors)
        return tuple(tensors[f"{prefix}{number}"].to(device) for number in range(count))

    return TraceSoFar(
        facts.traced,
        tensors[_name(_TRACE, "samples")],
        tensors[_name(_TRACE, "moved")],
        kept("last"),
        kept("middle"),
    )


def _name(*parts: str) -> str:
    return SEPARATOR.join(parts)
