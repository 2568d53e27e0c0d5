from __future__ import annotations

import gzip
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from functools import partialmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from genbench.core.errors import DataError
from genbench.data.fetch import RemoteFile, _next_address, fetch, offline

CONTENTS = np.random.RandomState(0).bytes(100_000)
GOOD = gzip.compress(CONTENTS)
FILE = RemoteFile(name="data.gz", size=len(CONTENTS), md5=hashlib.md5(CONTENTS).hexdigest())
BOMB = gzip.compress(bytes(1 << 26))  # a thousand times its size
OTHER = RemoteFile(name="other.gz", size=len(CONTENTS), md5=hashlib.md5(CONTENTS).hexdigest())


class _Mirror(BaseHTTPRequestHandler):
    """The first folder of the path says how this mirror behaves."""

    def do_GET(self):
        self.server.asked.append(self.path)
        behaviour, _, name = self.path.strip("/").partition("/")
        getattr(self, f"be_{behaviour}")(name)

    def send(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def be_good(self, name):
        self.send(200, GOOD)

    def have_only(self, mine, name):
        (self.be_good if name == mine else self.be_missing)(name)

    def be_plain(self, name):
        self.send(200, CONTENTS)

    def be_encoded(self, name):
        self.send(200, GOOD, Content_Encoding="gzip")

    def be_other(self, name):
        self.send(200, gzip.compress(CONTENTS[::-1]))

    def be_portal(self, name):
        self.send(200, b"<html>Please log in</html>", Content_Type="text/html")

    def be_cut(self, name):
        self.send(200, GOOD[:5000], length=len(GOOD))

    def be_short(self, name):
        self.send(200, GOOD[:5000])

    def be_endless(self, name):
        self.send(200, b"", length=1 << 40)
        while not self.server.over.is_set():
            self.wfile.write(bytes(1 << 16))

    def be_missing(self, name):
        self.send(404)

    def be_broken(self, name):
        self.send(500)

    def be_moved(self, name):
        self.send(302, Location=f"/good/{name}")

    def be_elsewhere(self, name):
        self.send(302, Location=f"http://localhost:{self.server.server_port}/good/{name}")

    def be_self_named(self, name):
        self.send(
            200, GOOD, Content_Disposition="attachment; filename=../../evil", Content_Location="../evil"
        )

    def be_out_of_its_folder(self, name):
        self.send(302, Location="/good/a/../../../../../evil%2f..%2fname.gz")

    def be_to_a_file(self, name):
        self.send(302, Location=self.server.a_file.as_uri())

    def be_to_nowhere(self, name):
        self.send(302, Location="http://[")

    def be_long_redirect(self, name):
        """Its body would fill the memory of whoever reads it before going on."""
        self.send(302, b"", length=1 << 40, Location="/long_redirect/x")
        while not self.server.over.is_set():
            self.wfile.write(bytes(1 << 16))
            self.server.sent += 1 << 16

    def chunked(self, *parts):
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def be_chunked(self, name):
        self.chunked(GOOD[:5000], GOOD[5000:], b"")

    def be_cut_chunked(self, name):
        self.chunked(GOOD[:5000])
        self.close_connection = True

    def be_endless_chunked(self, name):
        self.chunked()
        while not self.server.over.is_set():
            self.wfile.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")

    def be_garbled_chunks(self, name):
        self.chunked()
        self.wfile.write(b"-5\r\nhello\r\n")

    def be_empty(self, name):
        self.send(200)

    def be_wrong_length(self, name):
        self.send(200, GOOD, length="-1")

    def be_partial(self, name):
        self.send(206, GOOD[5000:], Content_Range=f"bytes 5000-{len(GOOD) - 1}/{len(GOOD)}")

    def be_reset(self, name):
        self.send(200, GOOD[:5000], length=len(GOOD))
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def be_bomb(self, name):
        self.send(200, BOMB)

    def be_wrongly_encoded(self, name):
        self.send(200, CONTENTS, Content_Encoding="gzip")

    def be_slow_headers(self, name):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not self.server.over.wait(0.1):
            self.wfile.write(b"x")

    def be_rude(self, name):
        self.wfile.write(b"HTTP/1.1 500 \x1b[31m\x1b]52;c;eA==\x07" + b"x" * 5000 + b"\r\n\r\n")

    def be_circle(self, name):
        self.send(302, Location=f"/circle/{name}")

    def be_hanging(self, name):
        self.server.over.wait(20)

    def be_dripping(self, name):
        """Never silent for long enough to run into a read timeout."""
        self.send(200, b"", length=len(GOOD))
        while not self.server.over.wait(0.1):
            self.wfile.write(b"x")

    def be_stalling(self, name):
        self.send(200, GOOD[:40_000], length=len(GOOD))
        while not self.server.over.wait(0.1):
            self.wfile.write(b"x")

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A client that hangs up on a mirror is what several tests want."""

    server = Quiet(("127.0.0.1", 0), _Mirror)
    server.asked = []
    server.sent = 0
    server.a_file = tmp_path_factory.mktemp("published") / "data.gz"
    server.a_file.write_bytes(GOOD)
    server.over = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def mirror(server):
    server.asked.clear()
    return lambda behaviour: f"http://127.0.0.1:{server.server_port}/{behaviour}/"


@pytest.fixture
def refusing():
    """An address on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


BAD = {
    "other": "not the published file",
    "portal": "not the published file",
    "cut": "IncompleteRead",
    "short": "damaged gzip",
    "endless": "sends more than",
    "missing": "404",
    "broken": "500",
    "circle": "redirects more than 5 times",
    "to_a_file": "redirects from http to file, which is not followed",
    "to_nowhere": "",
    "out_of_its_folder": "",
    "long_redirect": "redirects more than 5 times",
    "cut_chunked": "",
    "endless_chunked": "sends more than",
    "garbled_chunks": "",
    "empty": "not the published file",
    "partial": "",
    "reset": "",
    "bomb": "more than 100,000",
    "wrongly_encoded": "",
    "rude": "500",
}
SILENT = ("slow_headers", "hanging", "dripping", "stalling")


RIGHT = ["good", "plain", "encoded", "moved", "elsewhere", "chunked", "wrong_length", "self_named"]


@pytest.mark.parametrize("behaviour", RIGHT)
def test_right_contents_are_put_in_place(mirror, tmp_path, behaviour):
    folder = tmp_path / "a" / "b"
    fetch([FILE, OTHER], [mirror(behaviour)], folder)
    assert sorted(path.name for path in folder.iterdir()) == ["data.gz", "other.gz"]
    stored = (folder / "data.gz").read_bytes()
    assert stored == CONTENTS if behaviour in {"plain", "encoded"} else stored == GOOD


def refused(mirror, folder, behaviour, reason):
    with pytest.raises(DataError) as error:
        fetch([FILE], [mirror(behaviour)], folder, patience_s=0.5)
    assert f"{mirror(behaviour)}data.gz: " in str(error.value)
    assert reason in str(error.value)
    assert len(str(error.value)) < 700 and str(error.value).isprintable()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("behaviour", "reason"), BAD.items())
def test_a_bad_mirror_is_told_and_leaves_nothing(mirror, tmp_path, behaviour, reason):
    refused(mirror, tmp_path, behaviour, reason)


@pytest.mark.run
@pytest.mark.parametrize("behaviour", SILENT)
def test_a_mirror_that_keeps_waiting_is_given_up(mirror, tmp_path, behaviour):
    start = time.monotonic()
    refused(mirror, tmp_path, behaviour, "no answer")
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("behaviour", ["other", "cut", "broken"])
def test_the_next_mirror_is_asked(mirror, tmp_path, behaviour):
    fetch([FILE], [mirror(behaviour), mirror("good")], tmp_path, patience_s=0.5)
    assert (tmp_path / "data.gz").read_bytes() == GOOD
    assert len(list(tmp_path.iterdir())) == 1


def test_refused_connections_and_unknown_schemes(mirror, refusing, tmp_path):
    with pytest.raises(DataError) as error:
        fetch([FILE], [refusing, "nonsense://x/", mirror("missing")], tmp_path)
    text = str(error.value)
    assert f"{refusing}data.gz: Connection refused;" in text
    assert "nonsense://x/data.gz: No connection adapters" in text
    assert f"{mirror('missing')}data.gz: 404" in text
    assert "\n" not in text
    fetch([FILE], [refusing, mirror("good")], tmp_path)
    assert (tmp_path / "data.gz").read_bytes() == GOOD


@pytest.mark.run
def test_a_name_lookup_that_hangs_is_given_up(monkeypatch, tmp_path):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20) and [])
    start = time.monotonic()
    with pytest.raises(DataError, match=r"no answer for 0\.3 s"):
        fetch([FILE], ["http://mirror.invalid/"], tmp_path, patience_s=0.3)
    assert time.monotonic() - start < 3
    over.set()


@pytest.mark.run
def test_a_slow_mirror_that_keeps_sending_is_not_given_up(server, mirror, tmp_path, monkeypatch):
    def slow(self, name):
        self.send(200, b"", length=len(GOOD))
        for begin in range(0, len(GOOD), 20_000):
            time.sleep(0.25)
            self.wfile.write(GOOD[begin : begin + 20_000])

    monkeypatch.setattr(_Mirror, "be_slow", slow, raising=False)
    fetch([FILE], [mirror("slow")], tmp_path, patience_s=0.6)
    assert (tmp_path / "data.gz").read_bytes() == GOOD


def test_a_mirror_that_failed_is_not_asked_for_the_next_file_first(server, mirror, tmp_path):
    fetch([FILE, OTHER], [mirror("missing"), mirror("good")], tmp_path)
    assert server.asked == ["/missing/data.gz", "/good/data.gz", "/good/other.gz"]


def test_a_mirror_that_failed_is_asked_last_for_the_next_file(server, mirror, tmp_path, monkeypatch):
    for name in ("data.gz", "other.gz"):
        monkeypatch.setattr(_Mirror, f"be_{name}", partialmethod(_Mirror.have_only, name), raising=False)
    fetch([FILE, OTHER], [mirror("other.gz"), mirror("data.gz")], tmp_path)
    asked = ["/other.gz/data.gz", "/data.gz/data.gz", "/data.gz/other.gz", "/other.gz/other.gz"]
    assert server.asked == asked


def test_the_first_file_that_nobody_has_ends_the_attempt(server, mirror, tmp_path):
    with pytest.raises(DataError):
        fetch([FILE, OTHER], [mirror("missing"), mirror("broken")], tmp_path)
    assert server.asked == ["/missing/data.gz", "/broken/data.gz"]


def test_an_intact_file_stays_and_a_damaged_one_is_replaced(server, mirror, tmp_path):
    (tmp_path / "data.gz").write_bytes(CONTENTS)
    (tmp_path / "other.gz").write_bytes(GOOD[:-1])
    fetch([FILE, OTHER], [mirror("good")], tmp_path)
    assert server.asked == ["/good/other.gz"]
    assert (tmp_path / "other.gz").read_bytes() == GOOD


@pytest.mark.parametrize(
    ("value", "off"), [("1", True), ("yes", True), ("0", False), ("", False), (" No ", False)]
)
def test_offline_means_no_request(server, mirror, tmp_path, monkeypatch, value, off):
    monkeypatch.setenv("GENBENCH_OFFLINE", value)
    assert offline() is off
    if off:
        with pytest.raises(DataError, match="GENBENCH_OFFLINE"):
            fetch([FILE], [mirror("good")], tmp_path)
        assert server.asked == []
    else:
        fetch([FILE], [mirror("good")], tmp_path)


def test_a_folder_that_cannot_be_made(mirror, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="GENBENCH_CACHE"):
        fetch([FILE], [mirror("good")], tmp_path / "file" / "mnist")


def test_what_comes_with_a_redirect_is_not_read(server, mirror, tmp_path):
    server.sent = 0
    with pytest.raises(DataError, match="redirects"):
        fetch([FILE], [mirror("long_redirect")], tmp_path, patience_s=5)
    assert server.sent < 1 << 26


@pytest.mark.parametrize(
    ("url", "location", "leads"),
    [
        ("http://a/x/data.gz", "https://b/y", "https://b/y"),
        ("https://a/x/data.gz", "../y", "https://a/y"),
        ("https://a/x", "//b/y", "https://b/y"),
        ("https://a/x", "http://a/x", None),
        ("http://a/x", "file:///etc/passwd", None),
        ("http://a/x", "FILE:/etc/passwd", None),
        ("http://a/x", "data:,x", None),
        ("http://a/x", "javascript:x", None),
    ],
)
def test_where_redirects_may_lead(url, location, leads):
    if leads:
        assert _next_address(url, location) == leads
    else:
        with pytest.raises(OSError, match="which is not followed"):
            _next_address(url, location)


@pytest.mark.parametrize(
    "address", ["http://m\xefrror.invalid/", "http://\ud800/", "http://a b/", "http://a:b/", ""]
)
def test_addresses_that_are_none(tmp_path, address, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", raiser(socket.gaierror(-2, "Name or service not known")))
    with pytest.raises(DataError, match=r"data\.gz: "):
        fetch([FILE], [address], tmp_path, patience_s=2)


def raiser(error):
    def fail(*_, **__):
        raise error

    return fail


def test_a_name_cannot_add_headers(server, mirror, tmp_path):
    odd = RemoteFile(name="a\r\nX-Evil: 1\r\n b.gz", size=FILE.size, md5=FILE.md5)
    fetch([odd], [mirror("good")], tmp_path)
    assert server.asked == ["/good/a%0D%0AX-Evil:%201%0D%0A%20b.gz"]


def test_passwords_of_this_user_are_not_sent(server, mirror, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text(
        "machine 127.0.0.1 login me password secret\nmachine localhost login me password secret\n"
    )
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen = []

    def curious(self, name):
        seen.append(self.headers.get("Authorization"))
        self.be_elsewhere(f"../curious_too/{name}")

    def too(self, name):
        seen.append(self.headers.get("Authorization"))
        self.send(200, GOOD)

    monkeypatch.setattr(_Mirror, "be_curious", curious, raising=False)
    monkeypatch.setattr(_Mirror, "be_curious_too", too, raising=False)
    fetch([FILE], [mirror("curious")], tmp_path / "cache")
    assert seen == [None, None]


def test_the_proxy_of_the_environment_is_asked(server, mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(_Mirror, "be_http:", lambda self, name: self.send(200, GOOD), raising=False)
    fetch([FILE], ["http://mirror.invalid/"], tmp_path)
    assert server.asked == ["http://mirror.invalid/data.gz"]


@pytest.mark.parametrize("fault", ["write", "flush"])
def test_a_full_disk_is_told_and_no_mirror_is_blamed(server, mirror, tmp_path, monkeypatch, fault):
    from genbench.data import fetch as module

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, chunk):
            if fault == "write":
                raise OSError(28, os.strerror(28))

        def flush(self):
            raise OSError(28, os.strerror(28))

    real = module._Intake
    monkeypatch.setattr(module, "_Intake", lambda file, most: real(Full(file), most))
    with pytest.raises(DataError, match=r"cannot be kept in .*No space left on device\. Make that folder"):
        fetch([FILE], [mirror("good"), mirror("plain")], tmp_path)
    assert server.asked == ["/good/data.gz"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.mkdtemp", raiser(PermissionError(13, os.strerror(13))))
    with pytest.raises(DataError, match=r"Permission denied\..*GENBENCH_CACHE"):
        fetch([FILE], [mirror("good")], tmp_path)


def test_what_killed_processes_left_goes_after_a_day(mirror, tmp_path):
    for name, age in ((".fetch-old", 2 * 86_400), (".fetch-new", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.gz.0").write_bytes(GOOD[:5000])
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    fetch([FILE], [mirror("good")], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fetch-new", "data.gz"]


def test_several_at_once_into_one_folder(mirror, tmp_path):
    folder, mistakes = tmp_path / "cache", []

    def work():
        try:
            fetch([FILE, OTHER], [mirror("good")], folder)
        except DataError as error:
            mistakes.append(error)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert mistakes == []
    assert sorted(path.name for path in folder.iterdir()) == ["data.gz", "other.gz"]
    assert (folder / "data.gz").read_bytes() == GOOD


@pytest.mark.run
def test_a_process_that_is_killed_leaves_no_file_that_is_believed(server, mirror, tmp_path):
    code = (
        "import sys; from pathlib import Path; from genbench.data.fetch import RemoteFile, fetch\n"
        "file = RemoteFile(name='data.gz', size=int(sys.argv[3]), md5=sys.argv[4])\n"
        "fetch([file], [sys.argv[1]], Path(sys.argv[2]))"
    )
    arguments = [mirror("stalling"), str(tmp_path), str(FILE.size), FILE.md5]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments])
    until = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob(".fetch-*/*")) and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert not (tmp_path / "data.gz").exists() and list(tmp_path.glob(".fetch-*/*"))
    fetch([FILE], [mirror("good")], tmp_path)
    assert (tmp_path / "data.gz").read_bytes() == GOOD


@pytest.mark.run
@pytest.mark.parametrize("behaviour", ["bomb", "endless_chunked"])
def test_memory_is_bounded(mirror, tmp_path, behaviour):
    """In a process of its own, whose memory is that of the libraries and little more."""
    code = (
        "import resource, sys; from pathlib import Path; import pooch, requests\n"
        "from genbench.core.errors import DataError; from genbench.data.fetch import RemoteFile, fetch\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "file = RemoteFile(name='data.gz', size=int(sys.argv[3]), md5=sys.argv[4])\n"
        "try: fetch([file], [sys.argv[1]], Path(sys.argv[2]), patience_s=3)\n"
        "except DataError: print(peak() - before)\n"
    )
    pytest.importorskip("resource")
    arguments = [mirror(behaviour), str(tmp_path), str(FILE.size), FILE.md5]
    said = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert int(said.stdout) < 30_000, said.stdout  # in kB on Linux; the bombs are of 64 MiB and more
