"""Sample grids inside a page: every pixel as it was, and no file that is not the run's own."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from many_models import many_models
from PIL import Image

from genbench.report.page.pictures import Picture, pictures_of
from genbench.store.loaded import LoadedRun
from genbench.store.rundir import RunDirectory


def of(folder: Path, dataset: str = "mnist", models: tuple[str, ...] = ("gan", "vae")) -> list[Picture]:
    return list(
        pictures_of(LoadedRun("run", RunDirectory(folder), tuple(many_models(1, 1, 1))), dataset, models)
    )


def pixels(picture: Picture) -> np.ndarray:
    content = base64.b64decode(picture.uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "grids").mkdir()
    return tmp_path


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_keep_every_pixel(folder: Path, channels: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, channels), dtype=np.uint8)
    image = np.broadcast_to(noise, (40, 60, 3))
    Image.fromarray(image).save(folder / "grids" / "mnist-gan.png")
    (picture,) = of(folder)
    assert (picture.model, picture.width, picture.height, picture.problem) == ("gan", 60, 40, "")
    assert (pixels(picture) == image).all()
    assert len(picture.uri) * 3 / 4 < (folder / "grids" / "mnist-gan.png").stat().st_size * 1.1


def test_all_models_come_first_and_those_without_a_picture_are_left_out(folder: Path) -> None:
    for name in ("mnist-vae", "mnist", "mnist-other", "digits"):
        Image.new("RGB", (8, 8)).save(folder / "grids" / f"{name}.png")
    assert [picture.model for picture in of(folder)] == ["", "vae"]
    assert of(folder / "nowhere") == []


def test_drawings_of_points_become_small(folder: Path) -> None:
    drawing = np.random.default_rng(0).integers(0, 256, (90, 90, 4), dtype=np.uint8)
    drawing[..., 3] = 255
    Image.fromarray(drawing).save(folder / "grids" / "mnist.png")
    (picture,) = of(folder)
    assert len(picture.uri) < 0.7 * (folder / "grids" / "mnist.png").stat().st_size
    assert np.abs(pixels(picture).astype(int) - drawing[..., :3]).mean() < 25


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_a_damaged_picture_is_told(folder: Path, content: bytes) -> None:
    (folder / "grids" / "mnist.png").write_bytes(content)
    (picture,) = of(folder)
    assert picture.uri == "" and "mnist.png cannot be read as a picture" in picture.problem


def test_a_picture_cut_short_or_too_large_is_told(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    file = folder / "grids" / "mnist.png"
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[:9000])
    assert "cannot be read" in of(folder)[0].problem
    file.write_bytes(b"\0" * 4_000_001)
    assert "too large" in of(folder)[0].problem


def test_names_lead_out_of_no_folder(folder: Path) -> None:
    Image.new("RGB", (8, 8)).save(folder / "secret.png")
    assert of(folder, "../secret") == [] and of(folder, "x", ("../../secret", "/etc/passwd")) == []
