"""How much memory a lane needs, told before it is trained, and how much there is."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import GenerativeModel
from genbench.train.accounting import imagined_updates, state_bytes
from genbench.train.settings import Settings
from genbench.train.streams import BLOCK

MARGIN = 0.8
"""Share of the free memory that a cohort may take: allocators round up, and others use the machine too."""

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that are alive at once. Views share what they are of."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self.peak = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.live -= size


def lane_bytes(model: GenerativeModel, data: DataInfo, settings: Settings) -> int:
    """Bytes that one lane takes: its state, blocks of inputs, and what an update holds at once.

    The state counts twice, because a program is tried on a copy of it; inputs count twice, because a block is
    drawn while the one before is still there. What an update holds is measured on tensors without memory, by
    an eager step: a compiled one needs less, because it makes fewer intermediate results.
    """
    largest, inputs = 0, 0
    for player, update in imagined_updates(
        model, data, settings.batch_size, settings.master, settings.compute
    ):
        with _Live() as counted:
            update()
        draws = BLOCK * player.repeats * settings.batch_size
        noise = sum(math.prod(n.shape) for n in player.noise.values()) * settings.master.itemsize
        order = torch.int64.itemsize if player.uses_data else 0
        largest = max(largest, counted.peak)
        inputs += draws * (noise + order)
    return 2 * state_bytes(model, data, settings.master, settings.compute) + 2 * inputs + largest


def free_memory(
    device: torch.device, *, cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP
) -> int | None:
    """Bytes that could be allocated on the device; ``None`` where the system does not tell.

    On a CPU it is main memory, within the limit of this process's control group.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    if not kibibytes:
        return None
    return min([1024 * kibibytes[0], *_within_groups(cgroups, membership)])


def lanes_that_fit(lanes: int, each: int, free: int | None) -> int:
    """How many of so many lanes to train at once, at least one, in parts that are equal but for the last.

    Args:
        lanes: that are wanted.
        each: bytes of a lane.
        free: bytes that there are; ``None`` if unknown, and then all lanes are tried.
    """
    if free is None or lanes * each <= MARGIN * free:
        return lanes
    fitting = max(1, int(MARGIN * free / each))
    parts = -(-lanes // fitting)
    return -(-lanes // parts)


def _within_groups(cgroups: Path, membership: Path) -> list[int]:
    """Room below the memory limits of this process's control groups, versions 1 and 2, and those around."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    rooms = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names, root = ("memory.max", "memory.current", "inactive_file"), cgroups
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            root = cgroups / "memory"
        else:
            continue
        own = root / path.lstrip("/")
        # within a container the path may be that of the host; its own group is then the root
        for folder in (own, *own.parents):
            rooms += _room(folder, *names)
            if folder == root:
                break
    return rooms


def _room(folder: Path, limit: str, used: str, reclaimable: str) -> list[int]:
    """What one group leaves free, files that are merely cached not counted as used; empty without a limit."""
    try:
        most, now = ((folder / name).read_text().strip() for name in (limit, used))
        stat = (folder / "memory.stat").read_text().split()
    except OSError:
        return []
    if not most.isdigit() or not now.isdigit():
        return []
    cached = int(stat[stat.index(reclaimable) + 1]) if reclaimable in stat else 0
    return [max(0, int(most) - int(now) + cached)]
