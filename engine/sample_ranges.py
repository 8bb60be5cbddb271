"""Which range of 16-bit and float samples becomes 0 to 255: one a data set, for each format.

Each image by its own largest value would give one scene two brightnesses, by a single hot pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GREY, COLOUR, INTEGER, FLOAT = "16-bit", "16-bit colour", "integer", "float"
"""The formats; real numbers that lie within 0 to 1 are never rescaled."""
TAIL = 0.01
"""Share of an image's samples, at either end, that says nothing of the range; of images, too."""
MARGIN = 0.1
"""Share of the range that is added at either end, as far as samples were seen there."""
FEW_IMAGES = 20
"""Of fewer than these none is held for an outlier."""
MOST_SAMPLES = 65_536
"""Of one image, that are looked at."""
FULL_RANGES = (255.0, 1_023.0, 4_095.0, 16_383.0, 65_535.0)
"""Whites of 8, 10, 12, 14 and 16 bits."""
_OLD_RANGES = (255.0, 4_095.0, 65_535.0)

RangeOf = Callable[[str, "NDArray[Any]"], tuple[float, float]]
"""Takes the format and the samples of an image; gives those that become 0 and 255."""


@dataclass(frozen=True, slots=True)
class SampleRange:
    """The samples that become 0 and 255; what lies outside is clipped."""

    format: str
    """`GREY`, `COLOUR`, `INTEGER` (of 32 bits) or `FLOAT`."""
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the samples of one image lie, without the tails at either end."""

    low: float
    high: float
    least: float
    most: float


def spread_of(samples: NDArray[Any]) -> Spread:
    """Where the finite samples of an image lie, of any shape; at 0 where there are none."""
    import numpy as np

    flat = samples.reshape(-1)
    flat = flat[:: max(len(flat) // MOST_SAMPLES, 1)].astype(np.float64)
    flat = flat[np.isfinite(flat)]
    if not len(flat):
        return Spread(0.0, 0.0, 0.0, 0.0)
    low, high = np.quantile(flat, [TAIL, 1 - TAIL])
    return Spread(float(low), float(high), float(flat.min()), float(flat.max()))


def find_range(kind: str, spreads: Sequence[Spread]) -> SampleRange:
    """The range of a format over the images of a data set, robust against a few odd ones.

    Args:
        kind: the format.
        spreads: of the training images, at least one.
    """
    import numpy as np

    tail = TAIL if len(spreads) >= FEW_IMAGES else 0.0
    low = float(np.quantile([s.low for s in spreads], tail, method="higher"))
    high = float(np.quantile([s.high for s in spreads], 1 - tail, method="lower"))
    if kind == FLOAT and low >= 0 and high <= 1:
        return SampleRange(kind, 0.0, 1.0)
    if not low < high:
        return _full_range(kind, low)
    margin = MARGIN * (high - low)
    least, most = min(s.least for s in spreads), max(s.most for s in spreads)
    return SampleRange(kind, max(low - margin, least), min(high + margin, most))


def _full_range(kind: str, value: float) -> SampleRange:
    """The range of images of one grey: that of the fewest bits that hold it."""
    low = min(value, 0.0)
    high = next((full for full in FULL_RANGES if value <= full), value)
    return SampleRange(kind, low, high)


def scaling(ranges: Iterable[SampleRange] | None) -> RangeOf:
    """How samples are scaled by the ranges that a run recorded.

    Args:
        ranges: None for a run that was recorded before there were any; it was trained on images
            each of which was scaled by its own largest sample.
    """
    if ranges is None:
        return by_largest_sample
    known = {each.format: (each.low, each.high) for each in ranges}

    def range_of(kind: str, samples: NDArray[Any]) -> tuple[float, float]:
        return known[kind] if kind in known else of_this_image(kind, samples)

    return range_of


def of_this_image(kind: str, samples: NDArray[Any]) -> tuple[float, float]:
    """The range of an image alone, where there is no data set to take one from."""
    found = find_range(kind, [spread_of(samples)])
    return found.low, found.high


def by_largest_sample(kind: str, samples: NDArray[Any]) -> tuple[float, float]:
    """The least of a few ranges that holds the largest sample: the rule of earlier records."""
    import numpy as np

    if kind == COLOUR:
        return 127.5, 65_407.5  # their upper bytes, once rounded
    most = np.max(samples, initial=0, where=np.isfinite(samples))
    ranges = (1.0, *_OLD_RANGES) if kind == FLOAT else _OLD_RANGES
    return 0.0, next((full for full in ranges if most <= full), ranges[-1])


def to_bytes(samples: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """The samples as 0 to 255; those that are no number as the lowest.

    Args:
        samples: of any shape.
        low: what becomes 0.
        high: what becomes 255, above `low`.
    """
    import numpy as np

    real = np.nan_to_num(samples.astype(np.float64), nan=low, posinf=high, neginf=low)
    scaled = np.clip((real - low) * (255 / (high - low)), 0, 255)
    rounded: NDArray[np.uint8] = scaled.round().astype(np.uint8)
    return rounded


def words(found: SampleRange, images: int) -> str:
    """What was chosen, for the log."""
    ends = (found.low, found.high)
    low, high = (f"{end:.4g}" if found.format == FLOAT else f"{end:,.0f}" for end in ends)
    return (
        f"{found.format} images: {low} to {high} become 0 to 255, as found in {images:,} training "
        "images; what lies outside is clipped"
    )
