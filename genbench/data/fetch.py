"""Fetching published files from mirrors into the cache: verified, put in place whole, quick to give up."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from genbench.core.errors import DataError
from genbench.data.files import open_contents, read_up_to

PATIENCE_S = 8.0
"""Seconds without a sign of progress after which a mirror is given up."""

# What has to arrive within PATIENCE_S to count as progress: 2 kB/s, below any connection worth waiting for.
_CHUNK = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A published file, known by its contents: mirrors may wrap them in different gzip files, or in none.

    Attributes:
        name: its name on the mirrors and in the cache.
        size: bytes of its contents, after inflating.
        md5: MD5 of its contents, after inflating, in hexadecimal.
    """

    name: str
    size: int
    md5: str


def offline() -> bool:
    """Whether ``$GENBENCH_OFFLINE`` forbids any use of the network ("", 0, false and no allow it)."""
    return os.environ.get("GENBENCH_OFFLINE", "").strip().lower() not in {"", "0", "false", "no"}


def fetch(
    files: Sequence[RemoteFile], mirrors: Sequence[str], folder: Path, *, patience_s: float = PATIENCE_S
) -> None:
    """Bring every one of ``files`` into ``folder``; what is already there and intact stays.

    Mirrors are asked in order. One that fails, in whatever way, is asked last from then on, so that an
    unreachable host costs its patience once and not once a file. The first file that no mirror can give ends
    the attempt. A file appears in ``folder`` only after its contents were verified.

    Args:
        files: what to fetch.
        mirrors: addresses (http or https) below which the files lie under their names.
        folder: where they go; made if missing.
        patience_s: seconds without progress after which a mirror is given up.

    Raises:
        DataError: the network is switched off, a file is to be had from no mirror (the message lists each
            with its reason), or ``folder`` cannot be written.
    """
    if offline():
        raise DataError("downloads are switched off by GENBENCH_OFFLINE. Unset it to allow them.")
    order = list(mirrors)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside the folder, so that putting a file in place is a rename on one file system.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder, ignore_cleanup_errors=True) as staging:
            for file in files:
                if _fault(folder / file.name, file) is not None:
                    _fetch_one(file, order, Path(staging), patience_s).replace(folder / file.name)
    except OSError as error:
        raise DataError(
            f"downloads cannot be kept in {folder}: {error.strerror or error}. Make that folder writable, or "
            "set GENBENCH_CACHE to one that is."
        ) from error


def _fetch_one(file: RemoteFile, order: list[str], staging: Path, patience_s: float) -> Path:
    """Download ``file`` from the first mirror that has it whole; one that fails goes last in ``order``."""
    reasons = []
    for attempt, mirror in enumerate(tuple(order)):
        url = f"{mirror.rstrip('/')}/{file.name}"
        # A name of its own for each attempt: one that was given up may still be writing to its file.
        arrived = staging / f"{file.name}.{attempt}"
        reason = _download(url, arrived, _most_bytes(file), patience_s) or _fault(arrived, file)
        if reason is None:
            return arrived
        reasons.append(f"{url}: {reason}")
        order.remove(mirror)
        order.append(mirror)
    raise DataError(
        f"{file.name} could not be downloaded ({'; '.join(reasons)}). "
        "Check the network and its proxy settings."
    )


def _most_bytes(file: RemoteFile) -> int:
    """What a mirror may send: gzip adds a header, and a few bytes a block to what it cannot compress."""
    return file.size + file.size // 100 + 1024


def _fault(path: Path, file: RemoteFile) -> str | None:
    """What is wrong with the contents of ``path``; None if they are those of ``file``."""
    try:
        with open_contents(path) as stream:
            contents = read_up_to(stream, file.size + 1)
    except DataError:
        return "what it sent is a damaged gzip file"
    digest = hashlib.md5(contents, usedforsecurity=False).hexdigest()
    if digest == file.md5:
        return None
    size = f"{len(contents):,}" if len(contents) <= file.size else f"more than {file.size:,}"
    return (
        f"what it sent is not the published file ({size} bytes of contents with MD5 {digest}, not {file.md5})"
    )


class _Intake:
    """Where a download writes to: counts what arrives, and stops one that sends too much or was given up."""

    def __init__(self, file: BufferedIOBase, most_bytes: int) -> None:
        self.file = file
        self.most_bytes = most_bytes
        self.received = 0
        self.given_up = False

    def write(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.given_up or self.received > self.most_bytes:
            raise OSError(f"it sends more than the {self.most_bytes:,} bytes that the file can have")
        self.file.write(chunk)

    def flush(self) -> None:
        self.file.flush()


def _download(url: str, target: Path, most_bytes: int, patience_s: float) -> str | None:
    """Download ``url`` to ``target``; the reason why that failed, or None.

    It runs in a thread of its own because no timeout of the HTTP library covers looking a name up, a host
    with many addresses that all stay silent, or an answer that drips. A daemon, so that one left waiting
    never holds up the end of the program.
    """
    import pooch

    done = threading.Event()
    failures: list[Exception] = []
    with target.open("wb") as file:
        intake = _Intake(file, most_bytes)

        def work() -> None:
            try:
                pooch.HTTPDownloader(chunk_size=_CHUNK, timeout=patience_s)(url, intake, None)
            except (
                Exception
            ) as failure:  # whatever it is, it is this mirror's failure and the next one's turn
                failures.append(failure)
            finally:
                done.set()

        threading.Thread(target=work, daemon=True, name=f"download {url}").start()
        seen = 0
        while not done.wait(patience_s):
            if intake.received == seen:
                intake.given_up = True
                return f"no answer for {patience_s:g} s"
            seen = intake.received
    return _reason(failures[0], patience_s) if failures else None


def _reason(failure: BaseException, patience_s: float) -> str:
    """The innermost cause in a few words: HTTP libraries wrap "connection refused" several times over."""
    while inner := failure.__cause__ or failure.__context__:
        failure = inner
    if isinstance(failure, TimeoutError):
        return f"no answer for {patience_s:g} s"
    return str(getattr(failure, "strerror", None) or failure or type(failure).__name__).rstrip(".")
