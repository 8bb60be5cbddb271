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


_GREY_ALPHA = "LA;16B"
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
        raise error.within(path) from error
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
    if image.mode.startswith("I;16") or _has_raw(image, _GREY_ALPHA):
        return GREY
    if image.mode in ("I", "F"):
        return INTEGER if image.mode == "I" else FLOAT
    return COLOUR if image.mode in ("RGB", "RGBA") and _dropped_bytes(image) else ""


def _rawmode(tile: Any) -> str:
    several = isinstance(tile.args, tuple)
    return str(tile.args[0] if several and tile.args else tile.args)


def _has_raw(image: Image, rawmode: str) -> bool:
    tiles = getattr(image, "tile", ())
    return bool(tiles) and all(_rawmode(tile) == rawmode for tile in tiles)


def _dropped_bytes(image: Image) -> list[Any]:
    """Return the tiles that yield the bytes which Pillow drops; empty where it drops none."""
    tiles = []
    for tile in getattr(image, "tile", ()):
        colours, _, bits = _rawmode(tile).partition(";")
        if colours not in ("RGB", "RGBA", "RGBX") or bits not in _OTHER_BYTE:
            return []
        tiles.append(_with_raw(tile, f"{colours};{_OTHER_BYTE[bits]}"))
    return tiles


def _with_raw(tile: Any, rawmode: str) -> Any:
    several = isinstance(tile.args, tuple)
    return tile._replace(args=(rawmode, *tile.args[1:]) if several else rawmode)


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
    from PIL import Image as images
    from PIL.Image import Resampling
    from PIL.ImageOps import exif_transpose, fit

    if kind:
        found = _eight_bits(*_samples(image, kind), kind, range_of)
        if found is None:
            return images.new("RGB", (width, height))
        image = found
    else:
        image = exif_transpose(image)
    plain = _plain_rgb(image)
    return fit(plain, (width, height), Resampling.LANCZOS, centering=(0.5, 0.5))


def _samples(image: Image, kind: str) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Return the samples of more than 8 bits, turned by the EXIF, and their 8-bit alpha."""
    import numpy as np
    from PIL.ImageOps import exif_transpose

    if _has_raw(image, _GREY_ALPHA):
        # Both bytes of both samples, as if they were four colours.
        tiles = [_with_raw(tile, "RGBA") for tile in getattr(image, "tile", ())]
        four = np.asarray(exif_transpose(_opened_again(image, tiles)))
        return four[..., 0].astype(np.uint16) << 8 | four[..., 1], four[..., 2:3]
    if kind != COLOUR:
        samples = np.asarray(exif_transpose(image))
        return samples.astype(np.uint16) if kind == GREY else samples, None
    lower = exif_transpose(_opened_again(image, _dropped_bytes(image)))
    whole = np.asarray(exif_transpose(image)).astype(np.uint16) << 8 | np.asarray(lower)
    alpha = (whole[..., 3:] >> 8).astype(np.uint8)
    return whole[..., :3], alpha if alpha.shape[2] else None


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


def _plain_rgb(image: Image) -> Image:
    from PIL import Image as images

    if image.has_transparency_data:
        over = images.new("RGBA", image.size, "white")
        image = images.alpha_composite(over, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bits(
    samples: NDArray[Any], alpha: NDArray[np.uint8] | None, kind: str, range_of: RangeOf
) -> Image | None:
    """Return an image of larger samples, or of real numbers, with those of a range as 0 to 255.

    Args:
        samples: (height, width), or with colours last.
        alpha: (height, width, 1), their opacity.
        kind: the format.
        range_of: returns the range.
    """
    import numpy as np
    from PIL import Image as images

    ends = range_of(kind, samples)
    if ends is None:
        return None
    scaled = to_bytes(samples, *ends)
    if alpha is None:
        return images.fromarray(scaled)
    planes = scaled if scaled.ndim == 3 else scaled[..., np.newaxis]
    return images.fromarray(np.concatenate([planes, alpha], axis=2))
