"""An image file of any size and mode as the uint8 pixels that a model takes."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.common.regular_file import open_regular
from engine.datasets.sample_ranges import (
    COLOUR,
    FLOAT,
    GREY,
    INTEGER,
    RangeOf,
    of_this_image,
    to_bytes,
)
from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MAX_PIXELS = 300_000_000
"""Most pixels unpacked of a file, which take 900 MB; phones' cameras have up to 200 million."""
MANY_PIXELS = 50_000_000
"""Pixels from which images are unpacked one after the other, whatever the threads."""
_DRAFT_FROM = 4
"""Multiple of the wanted size from which a JPEG is decoded at a fraction of its own size."""

_OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""Makes Pillow's readers of 16-bit colours drop the upper byte instead of the lower one."""
_OTHER_RAW = {
    f"{colours};{bits}": f"{colours};{other}"
    for colours in ("RGB", "RGBA", "RGBX")
    for bits, other in _OTHER_BYTE.items()
} | {"LA;16B": "RGBA"}
"""Raw modes of which Pillow drops bytes, and those that yield what it drops; of grey with an alpha
channel both bytes of both, as if they were four colours."""
_BITS_TAG, _PLANES_TAG, _SEPARATE = 258, 284, 2
"""Tags of a TIFF: bits per sample, and their arrangement."""
_DEEP_COST = 4
"""Memory of an image of more bits while it is scaled, in multiples of one of 8 bits."""
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """An image as a model takes it, and what its file held."""

    pixels: NDArray[np.uint8]
    """(height, width, 3)."""
    size: tuple[int, int]
    """Width and height in the file, in pixels."""
    mode: str
    """Pillow's mode of the file: `RGB`, `L`, `CMYK`."""
    format: str = ""
    """Format of samples of more than 8 bits, see `engine.datasets.sample_ranges`; else empty."""


def decode_image(path: Path, height: int, width: int, range_of: RangeOf = of_this_image) -> Decoded:
    """Return an image file as a model takes it, uint8 (height, width, 3).

    It is turned as its EXIF says, laid over white where it is transparent, converted to 8 bits per
    channel, cropped to the middle in the model's proportions, and resized by Lanczos' filter.

    Args:
        path: of the file.
        height: wanted, in pixels.
        width: wanted, in pixels.
        range_of: called where samples have more than 8 bits.

    Raises:
        InputError: it cannot be read as an image, or is too large.
    """
    import numpy as np

    with _opened(path) as image:
        size, mode, kind = image.size, image.mode, _format(image)
        _check_planes(image)
        fitted = _fitted(image, kind, height, width, range_of)
        return Decoded(np.asarray(fitted, dtype=np.uint8), size, mode, kind)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open an image of a size that can be unpacked; what fails inside becomes one line."""
    from PIL import Image as images

    try:
        # A bomb is rejected by the count of pixels below, before anything is unpacked; warning
        # filters belong to all threads and cannot be set for one.
        images.MAX_IMAGE_PIXELS = None
        with open_regular(path) as file, images.open(file) as image:
            yield image
    except InputError as error:
        raise InputError(path, error.expected, error.found, error.hint) from error
    except OSError as error:
        reason = (error.strerror or "").lower() or "none that Pillow can read, or one cut short"
        raise InputError(path, "an image", reason) from error
    # A damaged file may make decoders raise anything.
    except Exception as error:
        raise InputError(path, "an image", f"a damaged one ({type(error).__name__})") from error


def _check_size(image: Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(
            "",
            f"an image of at most {MAX_PIXELS // 10**6} million pixels",
            f"{width:,} × {height:,}",
            "make it smaller first",
        )


def _check_planes(image: Image) -> None:
    """Reject colours of 16 bits in separate planes, which Pillow takes for 8 bits."""
    tags = getattr(image, "tag_v2", {})
    bits, planes = tags.get(_BITS_TAG, (8,)), tags.get(_PLANES_TAG, 1)
    if planes == _SEPARATE and max(bits if isinstance(bits, tuple) else (bits,)) > 8:
        raise InputError(
            "",
            "the colours of each pixel side by side",
            "16 bits of them in planes of their own",
            "save it with PlanarConfiguration contiguous",
        )


def _format(image: Image) -> str:
    """Return the format of samples of more than 8 bits; empty for all others."""
    tiles = _other_tiles(image)
    if image.mode.startswith("I;16") or (tiles and _raw_mode(tiles[0]) == _OTHER_RAW["LA;16B"]):
        return GREY
    if image.mode in ("I", "F"):
        return INTEGER if image.mode == "I" else FLOAT
    return COLOUR if tiles and image.mode in ("RGB", "RGBA") else ""


def _other_tiles(image: Image) -> list[Any]:
    """Return the tiles that yield the bytes which Pillow drops; empty where it drops none."""
    tiles = []
    for tile in getattr(image, "tile", ()):
        other = _OTHER_RAW.get(_raw_mode(tile))
        if other is None:
            return []
        is_one = isinstance(tile.args, str)
        tiles.append(tile._replace(args=other if is_one else (other, *tile.args[1:])))
    return tiles


def _raw_mode(tile: Any) -> str:
    """Return the first argument of a tile's decoder, which may be its only one."""
    several = isinstance(tile.args, tuple)
    return str(tile.args[0] if several and tile.args else tile.args)


def _fitted(image: Image, kind: str, height: int, width: int, range_of: RangeOf) -> Image:
    shrink = min(image.size) / max(width, height)
    if shrink >= _DRAFT_FROM:
        # Twice the wanted size leaves the filter enough to work on.
        image.draft(None, (int(image.width * 2 / shrink), int(image.height * 2 / shrink)))
    _check_size(image)
    is_large = image.width * image.height * (_DEEP_COST if kind else 1) > MANY_PIXELS
    with _one_at_a_time if is_large else contextlib.nullcontext():
        return _unpacked(image, kind, height, width, range_of)


def _unpacked(image: Image, kind: str, height: int, width: int, range_of: RangeOf) -> Image:
    import numpy as np
    from PIL import Image as images
    from PIL.Image import Resampling
    from PIL.ImageOps import exif_transpose, fit

    if kind:
        samples, alpha = _samples(image, kind)
        ends = range_of(kind, samples)
        if ends is None:
            return images.new("RGB", (width, height))
        scaled = to_bytes(samples, *ends)
        image = images.fromarray(scaled if alpha is None else np.dstack([scaled, alpha]))
    else:
        image = exif_transpose(image)
    if image.has_transparency_data:
        over = images.new("RGBA", image.size, "white")
        image = images.alpha_composite(over, image.convert("RGBA"))
    plain = image.convert("RGB")
    return fit(plain, (width, height), Resampling.LANCZOS, centering=(0.5, 0.5))


def _samples(image: Image, kind: str) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Return the samples of more than 8 bits, turned by the EXIF, and their 8-bit alpha."""
    import numpy as np
    from PIL.ImageOps import exif_transpose

    tiles = _other_tiles(image)
    if not tiles:
        samples = np.asarray(exif_transpose(image))
        return samples.astype(np.uint16) if kind == GREY else samples, None
    other = np.asarray(exif_transpose(_opened_again(image, tiles)))
    if kind == GREY:
        return other[..., 0].astype(np.uint16) << 8 | other[..., 1], other[..., 2:3]
    upper = np.asarray(exif_transpose(image))
    whole = upper[..., :3].astype(np.uint16) << 8 | other[..., :3]
    return whole, upper[..., 3:] if upper.shape[2] > 3 else None


def _opened_again(image: Image, tiles: list[Any]) -> Image:
    """Return the same image with other tiles."""
    from PIL import Image as images
    from PIL.ImageFile import ImageFile

    assert isinstance(image, ImageFile)
    assert image.fp is not None
    image.fp.seek(0)
    again = images.open(image.fp)
    again.tile = tiles
    again.load()
    return again
