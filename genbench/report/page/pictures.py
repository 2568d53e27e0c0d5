"""Sample grids of a run as part of a page."""

from __future__ import annotations

import base64
import errno
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.report.own_files import read_own
from genbench.report.untrusted import clean
from genbench.store.loaded import LoadedRun

if TYPE_CHECKING:
    from PIL import Image

_MOST_BYTES = 4_000_000
_MOST_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG inside the page.

    Attributes:
        model: whose samples; empty where it shows all models.
        alt: what is to be seen.
        uri: the picture itself.
        width, height: in its pixels; 0 where it cannot be shown.
        problem: why it cannot be shown.
    """

    model: str
    alt: str
    uri: str
    width: int
    height: int
    problem: str = ""


def pictures_of(run: LoadedRun, dataset: str, models: Sequence[str]) -> Iterator[Picture]:
    """The grids of a dataset: that of all models, then one a model, as far as there are any."""
    if run.directory is None:
        return
    try:
        # Names of files come from the folder, never from records: no name leads out of it.
        found = {path.stem: path for path in sorted(run.directory.grids.glob("*.png"))}
    except OSError:
        return
    for model in ("", *models):
        path = found.get(f"{dataset}-{model}" if model else dataset)
        if path is not None:
            yield _picture(run.directory.path, path, clean(model), clean(dataset))


def _picture(folder: Path, path: Path, model: str, dataset: str) -> Picture:
    if model:
        alt = f"Samples of {model} on {dataset} from fixed noise, a row or panel for each seed"
    else:
        alt = f"Samples on {dataset} from fixed noise, a row or panel for each model"
    try:
        content, width, height = _smaller(read_own(folder, path, _MOST_BYTES))
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for a damaged PNG
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return Picture(model, alt, "", 0, 0, f"{clean(path.name)} is too large for this page.")
        reason = getattr(error, "strerror", None) or type(error).__name__
        return Picture(model, alt, "", 0, 0, f"{clean(path.name)} cannot be read as a picture ({reason}).")
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return Picture(model, alt, uri, width, height)


def _smaller(content: bytes) -> tuple[bytes, int, int]:
    """The picture in fewer bytes where that can be, and its width and height.

    Samples keep every pixel: they are saved as grey where they are grey. Only drawings of points, which
    alone are saved with a channel for transparency, are brought to 256 colours.
    """
    from PIL import Image, ImageChops

    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError("too many pixels")
        image.load()
        if image.mode == "RGB":
            red, green, blue = image.split()
            if not any(ImageChops.difference(red, other).getbbox() for other in (green, blue)):
                content = min(content, _png(red), key=len)
        elif image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
            few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            content = min(content, _png(few), key=len)
        return content, image.width, image.height


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=9)
    return buffer.getvalue()
