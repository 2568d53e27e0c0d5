from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genbench.core.errors import OutputError
from genbench.report.grids import write_figure, write_grid


def images(rows: int, columns: int, channels: int = 1, size: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, columns, channels, size, size), dtype=np.uint8)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def places(picture: np.ndarray, image: np.ndarray) -> list[tuple[int, int]]:
    """Where (top, left) an enlarged image stands in a picture."""
    wanted = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0).repeat(2, 0).repeat(2, 1)
    tall, wide = wanted.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(picture, wanted.shape)[:, :, 0]
    top, left = np.nonzero((windows == wanted).all(axis=(2, 3, 4)))
    assert tall and wide
    return list(zip(top.tolist(), left.tolist(), strict=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_is_in_its_place_enlarged(tmp_path: Path, channels: int) -> None:
    grid = images(3, 4, channels)
    write_grid(tmp_path / "grid.png", grid, ["seed 0", "seed 1", "seed 2"], title="digits: gan")
    picture = pixels(tmp_path / "grid.png")
    found = np.array([[places(picture, image) for image in row] for row in grid])
    assert found.shape == (3, 4, 1, 2)  # each exactly once
    top, left = found[:, :, 0, 0], found[:, :, 0, 1]
    assert (np.diff(top, axis=0) == 14).all() and (
        np.diff(left, axis=1) == 14
    ).all()  # 6 x 2 and a gutter of 2
    assert (np.diff(top, axis=1) == 0).all() and (np.diff(left, axis=0) == 0).all()


def test_labels_and_title_are_drawn(tmp_path: Path) -> None:
    for name, label, title in (("with", "seed 7", "digits"), ("without", "", "")):
        write_grid(tmp_path / f"{name}.png", images(1, 2), [label], title=title)
    labelled, bare = pixels(tmp_path / "with.png"), pixels(tmp_path / "without.png")
    assert labelled.shape[0] > bare.shape[0] and labelled.shape[1] > bare.shape[1]
    assert (labelled[:, :20] < 100).any() and not (bare[:, :8] < 100).any()


def test_a_figure_has_a_row_a_model(tmp_path: Path) -> None:
    samples = {"real": images(1, 9)[0], "gan": 255 - images(1, 5)[0]}
    write_figure(tmp_path / "figure.png", samples, columns=8)
    picture = pixels(tmp_path / "figure.png")
    for row in samples.values():
        assert places(picture, row[4]) and (len(row) < 6 or not places(picture, row[5]))


def test_hostile_labels_are_only_text(tmp_path: Path) -> None:
    write_grid(tmp_path / "grid.png", images(2, 1), ["\x1b[31m\u202e" + "long_name_" * 20, "é ∞"])
    assert pixels(tmp_path / "grid.png").shape[1] < 400


@pytest.mark.parametrize(
    ("grid", "labels"),
    [
        (images(2, 2), ["one"]),
        (images(2, 2, 2), ["a", "b"]),
        (images(2, 2).astype(np.float32), ["a", "b"]),
        (images(2, 2)[0], ["a", "b"]),
        (images(2, 0), ["a", "b"]),
    ],
)
def test_what_is_no_grid_is_refused(tmp_path: Path, grid: np.ndarray, labels: list[str]) -> None:
    with pytest.raises(ValueError, match=r"grid needs|label"):
        write_grid(tmp_path / "grid.png", grid, labels)


def test_figures_need_images_of_one_shape(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_figure(tmp_path / "f.png", {})
    with pytest.raises(ValueError, match="one shape"):
        write_figure(tmp_path / "f.png", {"a": images(1, 2)[0], "b": images(1, 2, size=8)[0]})


def test_an_unwritable_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_grid(tmp_path / "file" / "grid.png", images(1, 1), ["a"])
