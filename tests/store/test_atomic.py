import errno
import os
from pathlib import Path

import pytest

from genbench.core.errors import OutputError
from genbench.store.atomic import unwritable, write_text


def test_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tables.md"
    write_text(path, "old")
    write_text(path, "ε [1, 2]\n")
    assert path.read_bytes() == "ε [1, 2]\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_failure_keeps_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tables.md"
    write_text(path, "old")

    def fail(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_way_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_text(tmp_path / "file" / "tables.md", "text")


def test_a_folder_is_no_file_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, Path()):  # -o '' is the folder one is in
        with pytest.raises(OutputError, match=r"Name a file in that folder") as said:
            write_text(folder, "text")
        assert "space" not in str(said.value)
    assert list(tmp_path.iterdir()) == [] and not list(tmp_path.parent.glob(f".{tmp_path.name}*"))


@pytest.mark.parametrize("below", ["figure.svg", "deep/figure.svg"])
def test_a_file_where_a_folder_has_to_be_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"/file is a file, and would have to be a folder") as said:
        write_text(tmp_path / "file" / below, "text")
    assert "space" not in str(said.value) and "permissions" not in str(said.value)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space, or choose another place with -o or --out."),
        (errno.EDQUOT, "Free some space, or choose another place with -o or --out."),
        (errno.EACCES, "Mend the permissions of here, or choose another place with -o or --out."),
        (errno.ENAMETOOLONG, "Choose a shorter name."),
        (errno.EROFS, "Choose another place with -o or --out."),
    ],
)
def test_each_reason_has_its_own_remedy(number: int, remedy: str) -> None:
    reason = os.strerror(number)
    said = str(unwritable(Path("here/page.html"), OSError(number, reason)))
    assert said == f"cannot write here/page.html: {reason}. {remedy}"


def test_ordinary_mode(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "atomic", "")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode
