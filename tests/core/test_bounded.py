"""Files are read whole up to a bound, and not at all beyond it."""

import os

import pytest

from genbench.core.bounded import read_bytes, read_text


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_file_up_to_the_bound_is_read_whole(tmp_path, size):
    (tmp_path / "file").write_bytes(b"x" * size)
    assert read_bytes(tmp_path / "file", 10) == b"x" * size
    assert read_text(tmp_path / "file", 10) == "x" * size


def test_a_larger_file_and_one_that_grows_are_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x" * 11)
    with pytest.raises(OSError, match="larger than"):
        read_bytes(tmp_path / "file", 10)
    small = os.stat_result((0o100644, 0, 0, 1, 0, 0, 5, 0, 0, 0))
    monkeypatch.setattr("os.fstat", lambda file: small)
    with pytest.raises(OSError, match="larger than"):
        read_bytes(tmp_path / "file", 10)
