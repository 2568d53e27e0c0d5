"""Checkpoints: one safetensors file a trial, with all that is needed to sample from it or to train on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from pydantic import ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.core.errors import CheckpointError
from genbench.core.ids import bytes_hash
from genbench.store.atomic import write_bytes
from genbench.train.state import TrainState, Tree

FORMAT = 2
SEPARATOR = "|"
"""Between the parts of a tensor's name: parameter names have dots, so a dot will not do."""

KINDS = ("params", "buffers", "slots")
"""Kinds of tensors. A name has three parts: the kind, its owner (network or player), its own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a checkpoint says of itself.

    Attributes:
        model: registered name of the model.
        label: its name in the suite.
        options: all its options.
        data: the dataset it was trained on.
        seed: of the trial.
        step: finished steps.
        precision: of the training arithmetic.
        trial: id of the trial.
        code: genbench's version and commit.
        format: of this file.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    model: str
    label: str
    options: dict[str, Any]
    data: DataInfo
    seed: int
    step: Annotated[int, Ge(0)]
    precision: str
    trial: str
    code: str
    format: Annotated[int, Gt(0)] = FORMAT


def save_lane(path: Path, header: Header, state: TrainState, lane: int) -> None:
    """Write one lane of a state, with a checksum, whole or not at all.

    Raises:
        OutputError: the file cannot be written; what was there before is untouched.
    """
    tensors = {name: tensor[lane].cpu().contiguous() for name, tensor in flat(state).items()}
    write(path, json.dumps(asdict(header)), tensors)


def flat(state: TrainState) -> dict[str, Tensor]:
    """Every tensor of a state under the name that it has in files."""
    return {
        SEPARATOR.join((kind, owner, name)): tensor.detach()
        for kind, tree in zip(KINDS, (state.params, state.buffers, state.slots), strict=True)
        for owner, own in tree.items()
        for name, tensor in own.items()
    }


def unflat(tensors: Mapping[str, Tensor], step: int) -> TrainState:
    """The state of these tensors."""
    # an owner without tensors of some kind has an empty table there
    trees: dict[str, Tree] = {kind: defaultdict(dict) for kind in KINDS}
    for key, tensor in tensors.items():
        kind, owner, name = key.split(SEPARATOR)
        trees[kind][owner][name] = tensor
    return TrainState(**trees, step=step)


def write(path: Path, header: str, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors with a header, in JSON, and a checksum of both, whole or not at all.

    Raises:
        OutputError: the file cannot be written; what was there before is untouched.
    """
    # as bytes first: the library's own writer does not say that the disk is full in a way that can be told
    metadata = {"genbench": header, "sha256": _checksum(header, tensors)}
    write_bytes(path, save(dict(tensors), metadata=metadata))


def read(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Read what ``write`` wrote: the header and the tensors, on the CPU.

    Raises:
        CheckpointError: the file is missing, damaged, or of another kind.
    """
    if not path.is_file():
        raise CheckpointError(
            f"no checkpoint at {path}. Give RUN/TRIAL; `genbench sample RUN` lists the trials of a run."
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"checkpoint {path} is damaged: {error}. Train the trial again, or use an older copy."
        ) from error
    if "genbench" not in metadata:
        raise CheckpointError(f"{path} is a safetensors file, but not a genbench checkpoint.")
    if metadata.get("sha256") != _checksum(metadata["genbench"], tensors):
        raise CheckpointError(
            f"checkpoint {path} is damaged: its content does not match its checksum. "
            "Train the trial again, or use an older copy."
        )
    return metadata["genbench"], tensors


def load(paths: Sequence[Path], *, device: torch.device) -> tuple[list[Header], TrainState]:
    """Read the checkpoints of some lanes of one model and stack them again.

    Raises:
        CheckpointError: a file is missing, damaged, of another format, or unlike the first one.
    """
    headers, lanes = zip(*(_read(path) for path in paths), strict=True)
    kinds = [
        (h.model, h.options, h.data, h.step, {key: tensor.shape for key, tensor in lane.items()})
        for h, lane in zip(headers, lanes, strict=True)
    ]
    for path, kind in zip(paths, kinds, strict=True):
        if kind != kinds[0]:
            raise CheckpointError(
                f"checkpoint {path} is of another model or step than {paths[0]}. Load them one by one."
            )
    stacked = {key: torch.stack([lane[key] for lane in lanes]).to(device) for key in lanes[0]}
    return list(headers), unflat(stacked, headers[0].step)


@cache
def _headers() -> TypeAdapter[Header]:
    """Made once: it takes longer than reading a file."""
    return TypeAdapter(Header)


def _read(path: Path) -> tuple[Header, dict[str, Tensor]]:
    text, tensors = read(path)
    try:
        header = _headers().validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "header"
        raise CheckpointError(f"checkpoint {path} has a damaged header: {where}: {first['msg']}.") from error
    if header.format != FORMAT:
        raise CheckpointError(
            f"checkpoint {path} has format {header.format}; this genbench reads format {FORMAT}. Train the "
            f"trial again, or use the genbench that wrote it ({header.code})."
        )
    parts = {key: key.split(SEPARATOR) for key in tensors}
    bad = [key for key, (kind, *rest) in parts.items() if kind not in KINDS or len(rest) != 2]
    if bad or not any(kind == "params" for kind, *_ in parts.values()):
        raise CheckpointError(
            f"checkpoint {path} does not hold what a genbench checkpoint holds ({bad[:1]})."
        )
    return header, tensors


def _checksum(header: str, tensors: Mapping[str, Tensor]) -> str:
    chunks: list[bytes | memoryview] = [header.encode()]
    for key, tensor in sorted(tensors.items()):
        chunks += [
            f"{key} {tensor.dtype} {list(tensor.shape)}".encode(),
            tensor.reshape(-1).view(torch.uint8).numpy().data,
        ]
    return bytes_hash(*chunks, digits=64)
