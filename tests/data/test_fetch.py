from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from genbench.core.errors import DataError
from genbench.data.fetch import RemoteFile, fetch, offline

CONTENTS = np.random.RandomState(0).bytes(100_000)
GOOD = gzip.compress(CONTENTS)
FILE = RemoteFile(name="data.gz", size=len(CONTENTS), md5=hashlib.md5(CONTENTS).hexdigest())
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
def server():
    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A client that hangs up on a mirror is what several tests want."""

    server = Quiet(("127.0.0.1", 0), _Mirror)
    server.asked = []
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
    "circle": "redirects",
    "hanging": "no answer",
    "dripping": "no answer",
    "stalling": "no answer",
}


@pytest.mark.parametrize("behaviour", ["good", "plain", "encoded", "moved"])
def test_right_contents_are_put_in_place(mirror, tmp_path, behaviour):
    folder = tmp_path / "a" / "b"
    fetch([FILE, OTHER], [mirror(behaviour)], folder)
    assert sorted(path.name for path in folder.iterdir()) == ["data.gz", "other.gz"]
    stored = (folder / "data.gz").read_bytes()
    assert stored == CONTENTS if behaviour in {"plain", "encoded"} else stored == GOOD


@pytest.mark.parametrize(("behaviour", "reason"), BAD.items())
def test_a_bad_mirror_fails_fast_and_leaves_nothing(mirror, tmp_path, behaviour, reason):
    start = time.monotonic()
    with pytest.raises(DataError) as error:
        fetch([FILE], [mirror(behaviour)], tmp_path, patience_s=0.5)
    assert time.monotonic() - start < 4
    assert f"{mirror(behaviour)}data.gz: " in str(error.value)
    assert reason in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("behaviour", BAD)
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


def test_a_name_lookup_that_hangs_is_given_up(monkeypatch, tmp_path):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20) and [])
    start = time.monotonic()
    with pytest.raises(DataError, match=r"no answer for 0\.3 s"):
        fetch([FILE], ["http://mirror.invalid/"], tmp_path, patience_s=0.3)
    assert time.monotonic() - start < 3
    over.set()


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
