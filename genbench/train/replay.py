"""On CUDA, a block of steps as one graph: the host hands over a block, and no kernel waits for it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from genbench.core.errors import GenbenchWarning
from genbench.train.program import BlockInputs, Inputs, Players, run_step
from genbench.train.state import TrainState, Tree
from genbench.train.streams import BLOCK


class BlockReplay:
    """A whole block of steps, captured once and replayed with other inputs.

    Updates write into the state's own tensors, so a replay trains as the steps themselves would. The inputs
    of a block are copied to where the graph reads them.

    Args:
        players: from the program, compiled and run at least once: what they set up cannot be captured.
        state: of all lanes; capturing does not change it.
        working: ``working_copies`` of its parameters.
        examples: training examples (N, ...) on the device.
        inputs: of some block.
    """

    def __init__(
        self, players: Players, state: TrainState, working: Tree, examples: Tensor, inputs: Inputs
    ) -> None:
        self._inputs = {name: _copy(block) for name, block in inputs.items()}
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            logs = [run_step(players, state, working, examples, self._inputs, p) for p in range(BLOCK)]
            self._logs = {name: torch.stack([log[name] for log in logs]) for name in logs[0]}

    def __call__(self, inputs: Inputs) -> dict[str, Tensor]:
        """Run a block: each log as (BLOCK, K), valid until the next call."""
        for name, block in inputs.items():
            for mine, given in zip(_tensors(self._inputs[name]), _tensors(block), strict=True):
                mine.copy_(given)
        self._graph.replay()
        return self._logs


def captures(device: torch.device) -> bool:
    """Whether steps on this device can be captured."""
    return device.type == "cuda"


def capture(
    players: Players, state: TrainState, working: Tree, examples: Tensor, inputs: Inputs
) -> BlockReplay | None:
    """Capture a block of steps; where that fails, one warning, and steps are launched one by one.

    Raises:
        torch.OutOfMemoryError: the graph does not fit into memory.
    """
    try:
        return BlockReplay(players, state, working, examples, inputs)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        first = str(error).partition("\n")[0]
        warnings.warn(
            f"a block of steps could not be captured as a CUDA graph ({first}). Its kernels are launched one "
            "by one, which is slower for small networks.",
            GenbenchWarning,
            stacklevel=2,
        )
        return None


def _tensors(block: BlockInputs) -> Sequence[Tensor]:
    return [block.order, *block.noise.values(), *block.corrected.values()]


def _copy(block: BlockInputs) -> BlockInputs:
    return BlockInputs(
        block.order.clone(),
        {name: noise.clone() for name, noise in block.noise.items()},
        {name: scalar.clone() for name, scalar in block.corrected.items()},
    )
