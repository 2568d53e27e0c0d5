"""Samples, IDX files and images that a stranger made: told in words, and never more memory than is stated."""

import gzip
import io
import os
import struct
import tracemalloc
import zipfile
import zlib
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from genbench.core.bounded import MIB
from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError
from genbench.data.idx import read_idx
from genbench.data.samplefile import open_samples

pytestmark = pytest.mark.filterwarnings("ignore::genbench.core.errors.GenbenchWarning")

GREY = DataInfo("grey", (1, 4, 4))


@contextmanager
def within(mib):
    """At most so much memory is taken at once inside."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mib * MIB
    finally:
        tracemalloc.stop()


def refused(path, match):
    with pytest.raises(DataError, match=match), open_samples(path, GREY):
        pass


def npy(shape=(2, 4, 4), descr="|u1", body=bytes(32)):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + body


def npz(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../../x.npy", "/tmp/x.npy", "C:\\x.npy", "a/../../x.npy"])
def test_names_that_lead_out_of_an_archive_lead_nowhere(tmp_path, name):
    before = set(tmp_path.parent.rglob("*"))
    with open_samples(npz(tmp_path / "a.npz", {name: npy()}), GREY) as samples:
        assert len(samples) == 2
    assert set(tmp_path.parent.rglob("*")) - before == {tmp_path / "a.npz"}


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_header_of_any_length_is_not_read(tmp_path, suffix):
    """16 MB of header, packed into 16 kB."""
    content = b"\x93NUMPY\2\0" + struct.pack("<I", 16 * MIB) + b" " * (16 * MIB)
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        path.write_bytes(content)
    else:
        npz(path, {"samples.npy": content})
    del content
    with within(8):
        refused(path, "its header has 16,777,216 bytes")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_only_what_numpy_writes_is_unpacked(tmp_path, method):
    refused(npz(tmp_path / "x.npz", {"samples.npy": npy()}, method), "that numpy.savez does not use")


def test_a_list_of_members_of_any_length_is_not_read(tmp_path):
    entry = b"PK\1\2" + bytes(24) + struct.pack("<HHHHHII", 1, 0, 0, 0, 0, 0, 0) + b"x"
    directory = entry * 50_000
    end = struct.pack("<HHHHIIH", 0, 0, 50_000, 50_000, len(directory), 0, 0)
    (tmp_path / "x.npz").write_bytes(directory + b"PK\5\6" + end)
    with within(8):
        refused(tmp_path / "x.npz", "its list of members has 2,350,000 bytes")


def test_members_that_lie_over_each_other(tmp_path):
    """Each of many members is the same bytes: only the one that is asked for is unpacked."""
    path = npz(tmp_path / "x.npz", {"samples.npy": npy(), "z.npy": npy()})
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\1\2")
    content[second + 42 : second + 46] = bytes(4)  # where its bytes begin
    path.write_bytes(content)
    with open_samples(path, GREY) as samples:
        assert len(samples) == 2


def test_an_archive_in_an_archive_is_no_array(tmp_path):
    inner = npz(tmp_path / "a.npz", {"samples.npy": npy()}).read_bytes()
    refused(npz(tmp_path / "b.npz", {"samples.npy": inner}), "no array file of NumPy")


def test_a_member_that_announces_another_size(tmp_path):
    path = npz(tmp_path / "x.npz", {"samples.npy": npy(body=bytes(32 + 10**6))})
    refused(path, "at least 1,000,032 are there")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\1\2")
    content[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(content)
    refused(path, "damaged|can be read")


def test_many_rows_that_are_not_finite_are_counted_not_kept(tmp_path):
    info = DataInfo("points", (1,))
    np.save(tmp_path / "x.npy", np.full((10**6, 1), np.nan, np.float16))
    with (
        within(24),
        pytest.raises(DataError, match=r"1,000,000 of its 1,000,000 .* 0, 1, 2, 3, 4 and 999,995 more"),
        open_samples(tmp_path / "x.npy", info),
    ):
        pass


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.idx"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    if name.endswith("idx"):
        with pytest.raises(DataError, match="not a regular file"):
            read_idx(tmp_path / name)
    else:
        refused(tmp_path / name, "not a regular file")


def idx(*shape, body=b""):
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + body


def test_a_gzip_bomb_that_says_so(tmp_path, monkeypatch):
    """24 MB of zeros in 24 kB, as the header announces them: more than a hundred to one and the slack."""
    monkeypatch.setattr("genbench.data.idx._SMALL", MIB)
    (tmp_path / "x").write_bytes(gzip.compress(idx(24 * MIB, body=bytes(24 * MIB)), 1))
    with within(16), pytest.raises(DataError, match=r"inflates to more than .* 100 times its own"):
        read_idx(tmp_path / "x")
    (tmp_path / "y").write_bytes(idx(2 * MIB, body=bytes(2 * MIB)))
    assert len(read_idx(tmp_path / "y")) == 2 * MIB


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(gzip.compress(idx(1, body=b"x"))),
        gzip.compress(idx(100, body=bytes(100)))[:-4] + b"\1\1\1\1",
        gzip.compress(b"") * 1000,
    ],
    ids=["gz of gz", "wrong length", "empty members"],
)
def test_idx_files_that_lie(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with within(8), pytest.raises(DataError):
        read_idx(tmp_path / "x")


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width=4, height=4, *chunks, pixels=bytes(20)):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rest = chunk(b"IDAT", zlib.compress(pixels, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + rest


_MEGABYTE = zlib.compress(bytes(MIB - 1), 1)
_ZEROS = zlib.compress(bytes(70 * MIB), 1)


@pytest.mark.parametrize(
    "content",
    [
        png(2**31 - 1, 2**31 - 1),
        png(30_000, 30_000, pixels=bytes(30_001)),
        png(4, 4, chunk(b"zTXt", b"a\0\0" + _ZEROS)),
        png(4, 4, chunk(b"iTXt", b"a\0\1\0\0\0" + _ZEROS)),
        png(4, 4, chunk(b"iCCP", b"a\0\0" + _ZEROS)),
        png(4, 4, *[chunk(b"zTXt", b"a%d\0\0" % n + _MEGABYTE) for n in range(90)]),
        png(pixels=bytes(20 * MIB)),
        png(pixels=bytes(3)),
    ],
    ids=["2^62 pixels", "900 MP", "zTXt", "iTXt", "iCCP", "many zTXt", "IDAT", "cut"],
)
def test_image_bombs(tmp_path, content):
    """Told, or read without what was packed beside the pixels; in either case no memory is filled."""
    (tmp_path / "0.png").write_bytes(content)
    with within(90):
        try:
            with open_samples(tmp_path, GREY) as samples:
                assert samples[0:1].shape == (1, 1, 4, 4)
        except DataError as error:
            assert "0.png" in str(error)


def test_an_image_file_of_any_length_is_not_read(tmp_path):
    with (tmp_path / "0.png").open("wb") as file:
        file.write(png())
        file.truncate(10**12)  # on the disk it takes no place
    with within(40):  # 16 MiB besides the pixels, and 64 bytes for each of 16 pixels
        refused(tmp_path, r"0.png cannot be read as an image \(it is larger than 16\.001 MiB\)")


def test_links_in_a_folder_of_images(tmp_path):
    """What a link leads to is decoded as an image or refused: nothing of it is told."""
    secret = tmp_path / "secret.txt"
    secret.write_text("password")
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "0.png").symlink_to(secret)
    with pytest.raises(DataError) as caught, open_samples(folder, GREY):
        pass
    assert "password" not in str(caught.value)
    (folder / "0.png").unlink()
    (folder / "0.png").symlink_to(os.devnull)
    (folder / "1.png").symlink_to(folder / "1.png")
    refused(folder, "has no images")


def test_a_folder_of_many_files_is_listed_once(tmp_path, monkeypatch):
    for number in range(500):
        (tmp_path / f"{number}.txt").touch()
    Image.new("L", (4, 4)).save(tmp_path / "x.png")
    with pytest.warns(match="495 more"), open_samples(tmp_path, GREY) as samples:
        assert len(samples) == 1
