"""The journal of a run: one finished value is one durable line of JSON, and nothing is ever rewritten.

Each line ends with a checksum of what stands before it, ``"crc":"1a2b3c4d"`` (CRC-32), so that a changed
digit is found. Lines without one are read too: genbench did not always write it, and a line that was edited
on purpose can do without.
"""

from __future__ import annotations

import os
import re
import threading
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from genbench.core.bounded import MIB, read_bytes
from genbench.core.errors import GenbenchWarning, OutputError, RecordError
from genbench.core.record import CONTROLS, Record
from genbench.store.atomic import sync_folder, unwritable, write_bytes

_CHUNK = 1 << 16
_LARGEST = 1024 * MIB  # more than a million records
_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')


class Journal:
    """Appends records to a file, each flushed to the disk before ``append`` returns.

    Opening a file that a crash left with a half-written last line cuts that tail off first, so that the
    next record starts on a line of its own. Use it as a context manager, or call ``close``. Threads may
    share one.

    Args:
        path: the file; it and its folder are created where they do not exist.

    Raises:
        OutputError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_at_a_time = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666
            )
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            _mend_tail(self._file)
            sync_folder(path.parent)
        except OSError as error:
            os.close(self._file)
            raise unwritable(path, error) from error

    def append(self, record: Record) -> None:
        """Write one record as one line and wait until it is on the disk.

        Raises:
            OutputError: the line could not be written, and the file ends with the record before it; or the
                file is not there any more.
        """
        # A lone surrogate (from a file name that is no UTF-8, say) becomes its JSON escape.
        line = _sealed(record.to_json().encode("utf-8", "backslashreplace")) + b"\n"
        with self._one_at_a_time:
            try:
                status = os.fstat(self._file)
                if status.st_nlink == 0:
                    raise OutputError(
                        f"{self.path} was deleted or replaced while the run was writing it, so nothing more "
                        "can be kept. Put it back, or begin a new run with --fresh."
                    )
                start = status.st_size
                left = memoryview(line)
                try:
                    while left:
                        left = left[os.write(self._file, left) :]
                finally:
                    if left:  # a full disk or an interrupt: no later line may be joined to this half
                        os.ftruncate(self._file, start)
                os.fsync(self._file)
            except OSError as error:
                raise unwritable(self.path, error) from error

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_records(path: str | Path) -> list[Record]:
    """Read every record of a journal, in the order of writing.

    A last line without its line end is what a crash leaves behind: it is skipped with a
    ``GenbenchWarning``, unless it is whole.

    Raises:
        RecordError: there is no such file, it cannot be read, or another line is not a record; the message
            names the file and the line.
    """
    path = Path(path)
    *lines, tail = _content(path).split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_parse(line))
        except RecordError as error:
            raise RecordError(
                f"{path}, line {number}: {error}. Every line before the last must be a record: "
                "restore the file from a copy. `genbench run` with --resume sets it aside, and makes again "
                "what stood beside the damage."
            ) from error
    if tail:
        try:
            records.append(_parse(tail))
        except RecordError:
            warnings.warn(
                f"{path}: the last line is half-written and was skipped: the run ended while writing it. "
                "Give its command again to have that value measured.",
                GenbenchWarning,
                stacklevel=2,
            )
    return records


def recover(path: Path) -> tuple[Record, ...]:
    """Read a journal that is to be written on, and mend it where it is damaged.

    A half-written last line is what a kill leaves behind; ``Journal`` cuts it off. Where another line is
    damaged nobody can tell what it said: the file is set aside under a name of its own, with a warning, and
    what takes its place has no record of the models, or of the control rows, beside the damage. They begin
    anew, as if they had never been: so whatever happens next, the file says itself what is missing.

    Raises:
        RecordError: the file cannot be read, or all of it is of another schema.
        OutputError: the mended file cannot be written.
    """
    if not path.exists():
        return ()
    *lines, tail = _content(path).split(b"\n")
    good: list[tuple[int, bytes, Record]] = []
    for number, line in enumerate([*lines, tail]):
        try:
            good.append((number, line, _parse(line)))
        except RecordError as error:
            if number == 0 and "schema" in str(error):
                raise RecordError(f"{path}: {error}") from error
    bad = sorted(set(range(len(lines))) - {number for number, _, _ in good})
    if not bad:
        return tuple(record for _, _, record in good)
    doubted: set[tuple[str, str]] = set()
    for number in bad:
        before = [record for place, _, record in good if place < number]
        after = [record for place, _, record in good if place > number]
        doubted |= {_row(record) for record in (*before[-1:], *after[:1])}
    kept = [item for item in good if _row(item[2]) not in doubted]
    aside = next(p for p in _names_aside(path) if not p.exists())
    write_bytes(aside, _content(path))
    write_bytes(path, b"".join(line + b"\n" for _, line, _ in kept))
    named = ", ".join(str(number + 1) for number in bad[:5])
    rows = ", ".join(sorted(f"{model or 'control rows'} on {dataset}" for model, dataset in doubted))
    warnings.warn(
        f"{path} was damaged in line {named}{' and others' if len(bad) > 5 else ''}. It is set aside as "
        f"{aside.name}; what stood beside the damage is made again: {rows or 'nothing'}.",
        GenbenchWarning,
        stacklevel=2,
    )
    return tuple(record for _, _, record in kept)


def _row(record: Record) -> tuple[str, str]:
    """The model and the dataset of a record; all control rows of a dataset are one, without a name."""
    return "" if record.model in CONTROLS else record.model, record.dataset


def _names_aside(path: Path) -> Iterator[Path]:
    number = 1
    while True:
        yield path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
        number += 1


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path, _LARGEST)
    except OSError as error:
        raise RecordError(
            f"cannot read {path}: {error.strerror}. Give a run directory, a records.jsonl, or SUITE/latest."
        ) from error


def _sealed(line: bytes) -> bytes:
    """A JSON object with its checksum as one more field."""
    return b'%s,"crc":"%08x"}' % (line[:-1], zlib.crc32(line))


def _parse(line: bytes) -> Record:
    if seal := _CRC.search(line):
        line = line[: seal.start()] + b"}"
        if zlib.crc32(line) != int(seal[1], 16):
            raise RecordError(
                "not a record: it does not match its checksum (crc), so it was damaged. If it was edited on "
                "purpose, delete the field crc"
            )
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"not a record: not UTF-8 text (byte {error.start} of the line)") from error
    return Record.from_json(text)


def _mend_tail(file: int) -> None:
    """End the file with a finished line.

    A tail that is a whole record lacks only its line end and gets it: no proper prefix of a JSON object
    is one, so this cannot take a half for a whole.
    """
    size = os.fstat(file).st_size
    start, tail = size, b""
    while start > 0 and b"\n" not in tail:
        step = min(_CHUNK, start)
        start -= step
        os.lseek(file, start, os.SEEK_SET)
        tail = _read_exactly(file, step) + tail
    tail = tail[tail.rfind(b"\n") + 1 :]
    if not tail:
        return
    try:
        _parse(tail)
    except RecordError:
        os.ftruncate(file, size - len(tail))
    else:
        os.write(file, b"\n")
    os.fsync(file)


def _read_exactly(file: int, count: int) -> bytes:
    chunks = []
    while count > 0:
        chunk = os.read(file, count)
        if not chunk:
            break
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)
