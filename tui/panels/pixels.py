"""Images in a terminal: each cell shows two pixels, one above the other, as a half block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.color import Color
from textual.content import Content, Span
from textual.style import Style

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UPPER_HALF = "▀"
PIXELS_A_CELL = 2
"""From top to bottom: a cell is about twice as high as it is wide."""


def half_blocks(
    pixels: NDArray[np.uint8], columns: int, rows: int | None = None
) -> tuple[Content, ...]:
    """Draw an image as large as the room allows, in its proportions.

    An enlarged image shows its pixels as they are; in a reduced one each pixel is the mean of those
    that it replaces. Colours are 24-bit; Textual reduces them to what the terminal has.

    Args:
        pixels: shape (height, width, 3), of which no side is 0.
        columns: cells across, at most.
        rows: lines, at most; None for as many as the columns need.

    Returns:
        The lines, all as wide as the drawn image.
    """
    height, width = drawn_size(pixels.shape[0], pixels.shape[1], columns, rows)
    drawn = _resized(pixels, height, width)
    if height % PIXELS_A_CELL:
        drawn.append(drawn[-1])
    pairs = zip(drawn[::PIXELS_A_CELL], drawn[1::PIXELS_A_CELL], strict=True)
    return tuple(_line(upper, lower) for upper, lower in pairs)


def drawn_size(height: int, width: int, columns: int, rows: int | None = None) -> tuple[int, int]:
    """Return the size in pixels that an image is drawn with: (height, width), both at least 1."""
    scale = max(columns, 1) / width
    if rows is not None:
        scale = min(scale, max(rows, 1) * PIXELS_A_CELL / height)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def _resized(pixels: NDArray[np.uint8], height: int, width: int) -> list[list[list[int]]]:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX)
    rows: list[list[list[int]]] = np.asarray(image).tolist()
    return rows


def _line(upper: list[list[int]], lower: list[list[int]]) -> Content:
    spans = [
        Span(x, x + 1, Style(foreground=_color(*above), background=_color(*below)))
        for x, (above, below) in enumerate(zip(upper, lower, strict=True))
    ]
    return Content(UPPER_HALF * len(spans), spans)


def _color(red: int, green: int, blue: int) -> Color:
    return Color(red, green, blue)
