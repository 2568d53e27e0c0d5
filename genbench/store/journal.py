"""The journal of a run: one finished value is one durable line of JSON, and nothing is ever rewritten."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import TracebackType
from typing import Self

from genbench.core.errors import GenbenchWarning, RecordError
from genbench.core.record import Record
from genbench.store.atomic import unwritable

_CHUNK = 1 << 16


class Journal:
    """Appends records to a file, each flushed to the disk before ``append`` returns.

    Opening a file that a crash left with a half-written last line cuts that tail off first, so that the
    next record starts on a line of its own. Use it as a context manager, or call ``close``.

    Args:
        path: the file; it and its folder are created where they do not exist.

    Raises:
        OutputError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666
            )
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            _mend_tail(self._file)
            _sync_folder(path.parent)
        except OSError as error:
            os.close(self._file)
            raise unwritable(path, error) from error

    def append(self, record: Record) -> None:
        """Write one record as one line and wait until it is on the disk.

        Raises:
            OutputError: the line could not be written; the file then ends with the record before it.
        """
        # A lone surrogate (from a file name that is no UTF-8, say) becomes its JSON escape.
        line = record.to_json().encode("utf-8", "backslashreplace") + b"\n"
        try:
            start = os.fstat(self._file).st_size
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
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(
            f"cannot read {path}: {error.strerror}. Give a run directory, a records.jsonl, or SUITE/latest."
        ) from error
    *lines, tail = content.split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_parse(line))
        except RecordError as error:
            raise RecordError(
                f"{path}, line {number}: {error}. Every line before the last must be a record: "
                "restore the file from a copy, or delete that line."
            ) from error
    if tail:
        try:
            records.append(_parse(tail))
        except RecordError:
            warnings.warn(
                f"{path}: the last line is half-written and was skipped: the run ended while writing it. "
                "Resume the run to have that value measured again.",
                GenbenchWarning,
                stacklevel=2,
            )
    return records


def _parse(line: bytes) -> Record:
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


def _sync_folder(folder: Path) -> None:
    """Make a newly made name durable too, where the system can (Windows cannot open folders)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
