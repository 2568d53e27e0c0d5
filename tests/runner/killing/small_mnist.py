"""A small data set in the published format of MNIST, and a server that sends it slowly."""

import gzip
import hashlib
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np

PARTS, PAUSE_S = 8, 0.03
"""A file is sent in so many parts with a pause before each: long enough to be killed in."""


def write_files(folder: Path, *, train: int = 300, test: int = 120) -> None:
    """Four files of round spots, whose place tells the class."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    y, x = np.mgrid[:28, :28]
    for stem, count in (("train", train), ("t10k", test)):
        labels = rng.integers(0, 10, count)
        widths = rng.uniform(6, 14, count)[:, None, None]
        across, down = (6 + 5 * (labels % 4))[:, None, None], (6 + 6 * (labels // 4))[:, None, None]
        images = 255 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / widths)
        for name, array in ((f"{stem}-images-idx3-ubyte", images), (f"{stem}-labels-idx1-ubyte", labels)):
            header = struct.pack(f">2xBB{array.ndim}I", 8, array.ndim, *array.shape)
            content = header + array.astype(np.uint8).tobytes()
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))


def published(folder: Path, address: str) -> None:
    """Have genbench download these files from that address and from nowhere else."""
    from genbench.data import mnist

    def described(file):
        content = gzip.decompress((folder / file.name).read_bytes())
        return replace(file, size=len(content), md5=hashlib.md5(content).hexdigest())

    mnist.FILES = tuple(described(file) for file in mnist.FILES)
    mnist.MIRRORS = (address,)


class _Slowly(SimpleHTTPRequestHandler):
    def copyfile(self, source, outputfile) -> None:
        content = source.read()
        size = len(content) // PARTS + 1
        for start in range(0, len(content), size):
            time.sleep(PAUSE_S)
            outputfile.write(content[start : start + size])
            outputfile.flush()

    def log_message(self, *_) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_) -> None:
        """Whoever downloads is killed now and then: that is no error of the server's."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the folder's files are to be had meanwhile."""

    def handler(*arguments):
        return _Slowly(*arguments, directory=str(folder))

    with _Server(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
