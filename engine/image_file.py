"""An image file of any size and mode as the uint8 pixels that a model takes."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import InputError
from engine.regular_file import open_regular
from engine.sample_ranges import (
    COLOUR,
    FLOAT,
    GREY,
    INTEGER,
    RangeOf,
    of_this_image,
    to_bytes,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MAX_PIXELS = 300_000_000
"""That are unpacked of a file, which take 900 MB; cameras of phones have up to 200 million."""
MANY_PIXELS = 50_000_000
"""From which on images are unpacked one after the other, whatever threads there are."""
_DRAFT_FROM = 4
"""Times the wanted size from which on a JPEG is decoded at a part of its own."""

_OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""What makes Pillow's readers of 16-bit colours, which drop the lower byte, drop the upper one."""


_one_at_a_time = threading.Lock()


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """An image as a model takes it, and what its file held."""

    pixels: NDArray[np.uint8]
    """(height, width, 3)."""
    size: tuple[int, int]
    """Width and height in the file, in pixels."""
    mode: str
    """Pillow's name of what the file keeps: `RGB`, `L`, `CMYK`."""
    format: str = ""
    """That of samples of more than 8 bits, as in `engine.sample_ranges`; else empty."""


def decode_image(path: Path, height: int, width: int, range_of: RangeOf = of_this_image) -> Decoded:
    """An image file as a model takes it, uint8 (height, width, 3).

    It is turned as its EXIF says, laid over white where it is transparent, brought to 8 bits a
    channel, cut to the middle in the model's proportions, and resized by Lanczos' filter.

    Args:
        path: of the file.
        height: wanted, in pixels.
        width: wanted, in pixels.
        range_of: asked where samples have more than 8 bits.

    Raises:
        InputError: it cannot be read as an image, or is too large.
    """
    import numpy as np

    with _opened(path) as image:
        size, mode, kind = image.size, image.mode, _format(image)
        fitted = _fitted(image, kind, height, width, range_of)
        return Decoded(np.asarray(fitted, dtype=np.uint8), size, mode, kind)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """An image of a size that can be unpacked; what goes wrong within becomes a line."""
    from PIL import Image as images

    try:
        # A bomb is refused by the count of pixels below, before anything is unpacked; the filters
        # of warnings belong to all threads and cannot be set for one.
        images.MAX_IMAGE_PIXELS = None
        with open_regular(path) as file, images.open(file) as image:
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


def _format(image: Image) -> str:
    """The format of samples of more than 8 bits; empty for all others."""
    if image.mode.startswith("I;16"):
        return GREY
    if image.mode in ("I", "F"):
        return INTEGER if image.mode == "I" else FLOAT
    return COLOUR if image.mode in ("RGB", "RGBA") and _dropped_bytes(image) else ""


def _dropped_bytes(image: Image) -> list[Any]:
    """The tiles of an image that give the bytes which Pillow drops; empty where it drops none."""
    tiles = []
    for tile in getattr(image, "tile", ()):
        several = isinstance(tile.args, tuple)
        rawmode = str(tile.args[0] if several and tile.args else tile.args)
        colours, _, bits = rawmode.partition(";")
        if colours not in ("RGB", "RGBA", "RGBX") or bits not in _OTHER_BYTE:
            return []
        other = f"{colours};{_OTHER_BYTE[bits]}"
        tiles.append(tile._replace(args=(other, *tile.args[1:]) if several else other))
    return tiles


def _fitted(image: Image, kind: str, height: int, width: int, range_of: RangeOf) -> Image:
    image.seek(0)  # of an animation its first picture
    shrink = min(image.size) / max(width, height)
    if shrink >= _DRAFT_FROM:
        # Twice the wanted size leaves the filter enough to work on.
        image.draft(None, (int(image.width * 2 / shrink), int(image.height * 2 / shrink)))
    _check_size(image)
    is_large = image.width * image.height > MANY_PIXELS
    with _one_at_a_time if is_large else contextlib.nullcontext():
        return _unpacked(image, kind, height, width, range_of)


def _unpacked(image: Image, kind: str, height: int, width: int, range_of: RangeOf) -> Image:
    from PIL.Image import Resampling
    from PIL.ImageOps import exif_transpose, fit

    lower = _lower_bytes(image) if kind == COLOUR else None
    turned = exif_transpose(image)
    if kind:
        turned = _eight_bits(turned, lower and exif_transpose(lower), kind, range_of)
    plain = _plain_rgb(turned)
    return fit(plain, (width, height), Resampling.LANCZOS, centering=(0.5, 0.5))


def _lower_bytes(image: Image) -> Image:
    """The same file again, with the lower bytes of its samples in the place of the upper ones."""
    from PIL import Image as images
    from PIL.ImageFile import ImageFile

    assert isinstance(image, ImageFile)
    assert image.fp is not None
    image.fp.seek(0)
    lower = images.open(image.fp)
    lower.tile = _dropped_bytes(lower)
    lower.load()
    return lower


def _plain_rgb(image: Image) -> Image:
    from PIL import Image as images

    if image.has_transparency_data:
        over = images.new("RGBA", image.size, "white")
        image = images.alpha_composite(over, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bits(image: Image, lower: Image | None, kind: str, range_of: RangeOf) -> Image:
    """An image of larger samples, or of real numbers, with those of a range as 0 to 255.

    Args:
        image: grey, or the upper bytes of colours.
        lower: the lower bytes of colours.
        kind: the format.
        range_of: gives the range.
    """
    import numpy as np
    from PIL import Image as images

    samples, alpha = np.asarray(image), None
    if lower is not None:
        samples = samples.astype(np.uint16) << 8 | np.asarray(lower)
        samples, alpha = samples[..., :3], (samples[..., 3:] >> 8).astype(np.uint8)
    scaled = to_bytes(samples, *range_of(kind, samples))
    return images.fromarray(scaled if alpha is None else np.concatenate([scaled, alpha], axis=2))
