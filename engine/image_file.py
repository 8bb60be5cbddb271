"""An image file of any size and mode as the uint8 pixels that a model takes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.regular_file import open_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MAX_PIXELS = 100_000_000
"""Of a file's image: unpacked they take 300 MB."""
_DRAFT_FROM = 4
"""Times the wanted size from which on a JPEG is decoded at a part of its own."""

_WHOLE_RANGES = (255.0, 4_095.0, 65_535.0)
"""Whites of 8, 12 and 16 bits."""
_REAL_RANGES = (1.0, *_WHOLE_RANGES)


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """An image as a model takes it, and what its file held."""

    pixels: NDArray[np.uint8]
    """(height, width, 3)."""
    size: tuple[int, int]
    """Width and height in the file, in pixels."""
    mode: str
    """Pillow's name of what the file keeps: `RGB`, `L`, `CMYK`."""


def read_image(path: Path, height: int, width: int) -> NDArray[np.uint8]:
    """The pixels of `decode_image`.

    Raises:
        InputError: the file cannot be read as an image, or is too large.
    """
    return decode_image(path, height, width).pixels


def decode_image(path: Path, height: int, width: int) -> Decoded:
    """An image file as a model takes it, uint8 (height, width, 3).

    It is turned as its EXIF says, laid over white where it is transparent, brought to 8 bits a
    channel, cut to the middle in the model's proportions, and resized by Lanczos' filter.

    Raises:
        InputError: it cannot be read as an image, or is too large.
    """
    import numpy as np

    with _opened(path) as image:
        size, mode = image.size, image.mode
        pixels = np.asarray(_fitted(image, height, width), dtype=np.uint8)
        return Decoded(pixels, size, mode)


def read_header(path: Path) -> tuple[tuple[int, int], str]:
    """Width and height of an image in pixels, and its mode; nothing of it is unpacked.

    Raises:
        InputError: it cannot be read as an image, or is too large.
    """
    with _opened(path) as image:
        return image.size, image.mode


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """An image of a size that can be unpacked; what goes wrong within becomes a line."""
    from PIL import Image as images

    try:
        # A bomb is refused by the count of pixels below, before anything is unpacked; the filters
        # of warnings belong to all threads and cannot be set for one.
        images.MAX_IMAGE_PIXELS = None
        with open_regular(path) as file, images.open(file) as image:
            _check_size(image)
            yield image
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        reason = (error.strerror or "").lower() or "none that Pillow can read, or one cut short"
        raise InputError(f"{path}: expected an image, found {reason}") from error
    # A damaged file makes decoders raise whatever comes.
    except Exception as error:
        raise InputError(
            f"{path}: expected an image, found a damaged one ({type(error).__name__})"
        ) from error


def _check_size(image: Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(
            f"expected an image of at most {MAX_PIXELS // 10**6} million pixels, "
            f"found {width:,} × {height:,}; make it smaller first"
        )


def _fitted(image: Image, height: int, width: int) -> Image:
    from PIL.Image import Resampling
    from PIL.ImageOps import exif_transpose, fit

    image.seek(0)  # of an animation its first picture
    shrink = min(image.size) / max(width, height)
    if shrink >= _DRAFT_FROM:
        # Twice the wanted size leaves the filter enough to work on.
        image.draft(None, (int(image.width * 2 / shrink), int(image.height * 2 / shrink)))
    turned = exif_transpose(image)
    plain = _plain_rgb(turned)
    return fit(plain, (width, height), Resampling.LANCZOS, centering=(0.5, 0.5))


def _plain_rgb(image: Image) -> Image:
    from PIL import Image as images

    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data:
        over = images.new("RGBA", image.size, "white")
        image = images.alpha_composite(over, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bits(image: Image) -> Image:
    """Grey of 16 or 32 bits, or of real numbers, as 8 bits, by the least range that holds it.

    Cameras and scanners keep 8 or 12 bits in files of 16.
    """
    import numpy as np
    from PIL import Image as images

    grey = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0)
    ranges = _REAL_RANGES if image.mode == "F" else _WHOLE_RANGES
    most = next((full for full in ranges if grey.max(initial=0) <= full), ranges[-1])
    return images.fromarray(np.clip(grey * (255 / most), 0, 255).round().astype(np.uint8))
