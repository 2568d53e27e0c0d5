"""Fetching published files from mirrors into the cache: verified, put in place whole, quick to give up."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from genbench.core.errors import DataError
from genbench.data.files import open_contents, read_up_to

PATIENCE_S = 8.0
"""Seconds without a sign of progress after which a mirror is given up."""

# What has to arrive within PATIENCE_S to count as progress: 2 kB/s, below any connection worth waiting for.
_CHUNK = 1 << 14

_MOST_REDIRECTS = 5
_LONGEST_REASON = 300  # a mirror words some of its failures itself

_STAGING = ".fetch-"
_ABANDONED_S = 86_400.0  # age of a folder of downloads whose process must have been killed


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
        _clear_abandoned(folder)
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder, ignore_cleanup_errors=True) as staging:
            for file in files:
                if _fault(folder / file.name, file) is not None:
                    _fetch_one(file, order, Path(staging), patience_s).replace(folder / file.name)
    except OSError as error:
        raise DataError(
            f"downloads cannot be kept in {folder}: {error.strerror or error}. Make that folder writable, "
            "with space for them, or set GENBENCH_CACHE to one that is."
        ) from error


def _clear_abandoned(folder: Path) -> None:
    """Remove what processes that were killed while they downloaded have left; nobody believes it anyway."""
    for staging in folder.glob(f"{_STAGING}*"):
        with suppress(FileNotFoundError):  # another process is at it too
            if time.time() - staging.lstat().st_mtime > _ABANDONED_S:
                shutil.rmtree(staging, ignore_errors=True)


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
        self.trouble: OSError | None = None
        """Why what arrived could not be kept, which is no fault of the mirror."""

    def write(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.given_up or self.received > self.most_bytes:
            raise OSError(f"it sends more than the {self.most_bytes:,} bytes that the file can have")
        try:
            self.file.write(chunk)
            self.file.flush()
        except OSError as error:
            self.trouble = error
            raise

    def flush(self) -> None:
        """Asked for after each chunk; done already."""


def _download(url: str, target: Path, most_bytes: int, patience_s: float) -> str | None:
    """Download ``url`` to ``target``; the reason why that failed, or None.

    It runs in a thread of its own because no timeout of the HTTP library covers looking a name up, a host
    with many addresses that all stay silent, or an answer that drips. A daemon, so that one left waiting
    never holds up the end of the program.

    Raises:
        OSError: what arrives cannot be kept.
    """
    done = threading.Event()
    failures: list[Exception] = []
    with target.open("wb") as file:
        intake = _Intake(file, most_bytes)

        def work() -> None:
            try:
                _receive(url, intake, patience_s)
            except Exception as failure:  # whatever it is, it is this mirror's, and the next one's turn
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
    if intake.trouble is not None:
        raise intake.trouble
    return _reason(failures[0], patience_s) if failures else None


class _Redirected(Exception):  # noqa: N818 - not an error
    """The answer is an address where to ask instead."""


def _receive(url: str, intake: _Intake, patience_s: float) -> None:
    """Ask ``url``, and where it sends us on to, until an answer has a body; that goes to ``intake``."""
    import pooch

    ask = pooch.HTTPDownloader(
        chunk_size=_CHUNK,
        timeout=patience_s,
        # Followed here: the HTTP library would first read what comes with the redirect, however long it is.
        hooks={"response": _stop_at_redirects},
        auth=lambda request: request,  # without it passwords of ~/.netrc go to any host we are sent on to
    )
    for _ in range(1 + _MOST_REDIRECTS):
        try:
            ask(url, intake, None)
            return
        except _Redirected as answer:
            location = str(answer)
        url = _next_address(url, location)
    raise OSError(f"it redirects more than {_MOST_REDIRECTS} times")


def _stop_at_redirects(response: Any, **_: object) -> None:
    if response.is_redirect:
        response.close()
        raise _Redirected(response.headers["location"])


def _next_address(url: str, location: str) -> str:
    """Where a redirect leads. Any host may be named, because contents decide; files and mail may not.

    Raises:
        OSError: it leads to no web address, or from one that is encrypted to one that is not.
    """
    address = urljoin(url, location)
    kind, before = urlsplit(address).scheme, urlsplit(url).scheme
    if kind not in ("http", "https") or (before == "https" and kind == "http"):
        raise OSError(f"it redirects from {before} to {kind or 'nowhere'}, which is not followed")
    return address


def _reason(failure: BaseException, patience_s: float) -> str:
    """The innermost cause in a few words: HTTP libraries wrap "connection refused" several times over."""
    while inner := failure.__cause__ or failure.__context__:
        failure = inner
    if isinstance(failure, TimeoutError):
        return f"no answer for {patience_s:g} s"
    text = str(getattr(failure, "strerror", None) or failure or type(failure).__name__).rstrip(".")
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST_REASON])
