"""The range of 16-bit and float samples that becomes 0 to 255: one per data set and format.

Scaling each image by its own largest value would give one scene two brightnesses, by a single hot
pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.protocol.facts import SampleRange

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GREY, COLOUR, INTEGER, FLOAT = "16-bit", "16-bit colour", "integer", "float"
"""The formats; real numbers within 0 to 1 are never rescaled."""
TAIL = 0.01
"""Share of an image's samples, at either end, that may be noise."""
BLOCK = 3
"""Side, in pixels, of blocks whose median is no hot pixel but may be a small object."""
MARGIN = 0.1
"""Share of the range added at either end, as far as samples were seen there."""
ODD_SHARE, ODD_SPANS = 0.05, 8.0
"""An image that reaches so many times the usual span beyond the usual range is odd, and left out
of the search if such images are at most this share, or the only one."""
MOST_PIXELS = 1 << 20
"""Most samples of one image that are examined."""
_ROWS = 256
"""Rows of an image that are scaled at once."""
FULL_RANGES = (255.0, 1_023.0, 4_095.0, 16_383.0, 65_535.0)
"""White in 8, 10, 12, 14 and 16 bits."""
_OLD_RANGES = (255.0, 4_095.0, 65_535.0)

RangeOf = Callable[[str, "NDArray[Any]"], tuple[float, float] | None]
"""Takes the format and the samples of an image, (height, width) or with colours last; returns those
that become 0 and 255, or None where only the samples are wanted."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of the samples of one image."""

    low: float
    """Without single pixels and a little noise, as `high`."""
    high: float
    least: float
    """Of all samples, as `most`."""
    most: float


def spread_of(samples: NDArray[Any]) -> Spread:
    """Return the spread of the finite samples of an image; at 0 without any.

    A hot pixel is alone, an object is not: medians of small blocks drop the one and keep the other,
    however small its share of the image.

    Args:
        samples: (height, width), or with colours last.
    """
    import numpy as np

    planes = samples if samples.ndim == 3 else samples[..., np.newaxis]
    step = max(math.isqrt(planes.shape[0] * planes.shape[1] // MOST_PIXELS), 1)
    flat = planes[::step, ::step].reshape(-1).astype(np.float64)
    flat = flat[np.isfinite(flat)]
    if not len(flat):
        return Spread(0.0, 0.0, 0.0, 0.0)
    low, high = np.quantile(flat, [TAIL, 1 - TAIL])
    blocks = _block_medians(planes, step)
    if len(blocks):
        low, high = min(low, blocks.min()), max(high, blocks.max())
    return Spread(float(low), float(high), float(flat.min()), float(flat.max()))


def _block_medians(planes: NDArray[Any], step: int) -> NDArray[np.float64]:
    """Return medians of adjacent blocks, every `step`-th in both directions, for each colour."""
    import numpy as np

    down, across = (side // BLOCK for side in planes.shape[:2])
    if not down or not across:
        return np.empty(0)
    whole = planes[: down * BLOCK, : across * BLOCK]
    blocks = whole.reshape(down, BLOCK, across, BLOCK, -1)[::step, :, ::step]
    rows = blocks.transpose(0, 2, 4, 1, 3).reshape(-1, BLOCK * BLOCK).astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    medians: NDArray[np.float64] = np.median(rows, axis=1)
    return medians


def find_range(kind: str, spreads: Sequence[Spread]) -> SampleRange:
    """Return the range of a format over a data set's images, robust against a few odd ones.

    Args:
        kind: the format.
        spreads: of the training images, at least one.
    """
    kept = _without_odd(spreads)
    low, high = min(s.low for s in kept), max(s.high for s in kept)
    if kind == FLOAT and low >= 0 and high <= 1:
        return SampleRange(kind, 0.0, 1.0)
    if not low < high:  # images of a single grey: the range of the fewest bits that hold it
        white = next((full for full in FULL_RANGES if low <= full), low)
        return SampleRange(kind, min(low, 0.0), white)
    margin = MARGIN * (high - low)
    least, most = min(s.least for s in kept), max(s.most for s in kept)
    return SampleRange(kind, max(low - margin, least), min(high + margin, most))


def _without_odd(spreads: Sequence[Spread]) -> Sequence[Spread]:
    """Return the spreads without those of a few odd images: saturated, or of another scale."""
    import numpy as np

    low, high = np.median([(s.low, s.high) for s in spreads], axis=0)
    room = ODD_SPANS * (high - low)
    usual = [s for s in spreads if low - room <= s.low and s.high <= high + room]
    odd = len(spreads) - len(usual)
    return usual if usual and odd <= max(ODD_SHARE * len(spreads), 1) else spreads


def scaling(ranges: Iterable[SampleRange] | None) -> RangeOf:
    """Return how samples are scaled by the ranges that a run recorded.

    Args:
        ranges: None for a run recorded before they existed, which was trained on images scaled
            each by its own largest sample.
    """
    if ranges is None:
        return by_largest_sample
    known = {each.format: (each.low, each.high) for each in ranges}

    def range_of(kind: str, samples: NDArray[Any]) -> tuple[float, float]:
        return known[kind] if kind in known else of_this_image(kind, samples)

    return range_of


def of_this_image(kind: str, samples: NDArray[Any]) -> tuple[float, float]:
    """Return the range of a single image, if there is no data set to take one from."""
    found = find_range(kind, [spread_of(samples)])
    return found.low, found.high


def by_largest_sample(kind: str, samples: NDArray[Any]) -> tuple[float, float]:
    """Return the least of a few ranges that holds the largest sample, as older records did."""
    import numpy as np

    if kind == COLOUR:
        return 127.5, 65_407.5  # their upper bytes, once rounded
    most = np.max(samples, initial=0, where=np.isfinite(samples))
    ranges = (1.0, *_OLD_RANGES) if kind == FLOAT else _OLD_RANGES
    return 0.0, next((full for full in ranges if most <= full), ranges[-1])


def to_bytes(samples: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return the samples as 0 to 255, NaN as the lowest.

    Args:
        samples: of any shape.
        low: what becomes 0.
        high: what becomes 255, above `low`.
    """
    import numpy as np

    if samples.dtype == np.uint16:
        table = _scaled(np.arange(1 << 16), low, high)
        looked_up: NDArray[np.uint8] = table[samples]
        return looked_up
    scaled = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), _ROWS):  # floats of a whole image would take much memory
        rows = slice(start, start + _ROWS)
        scaled[rows] = _scaled(samples[rows], low, high)
    return scaled


def _scaled(samples: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    import numpy as np

    real = np.nan_to_num(samples.astype(np.float64), nan=low, posinf=high, neginf=low)
    scaled: NDArray[np.uint8] = (
        np.clip((real - low) * (255 / (high - low)), 0, 255).round().astype(np.uint8)
    )
    return scaled


def words(found: SampleRange, images: int) -> str:
    """Return what was chosen, for the log."""
    ends = (found.low, found.high)
    low, high = (f"{end:.4g}" if found.format == FLOAT else f"{end:,.0f}" for end in ends)
    return (
        f"{found.format} images: {low} to {high} become 0 to 255, as found in {images:,} training "
        "images; what lies outside is clipped"
    )
