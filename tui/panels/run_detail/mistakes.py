"""The most confident mistakes: the test images with truth, prediction and confidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from textual.content import Content

from engine.common.text import accuracy, cell_width, fitted, printable
from tui.panels.bars import name_width
from tui.panels.pixels import PIXELS_A_CELL, half_blocks
from tui.panels.run_detail.material import Material, Outcome
from tui.panels.run_detail.page import PartPage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.analysis.predictions import Mistake

_FULL_ROWS, _SMALL_ROWS, _LEAST_ROWS = 16, 12, 6
"""Lines of an image: 16 show the 32 pixels of CIFAR-10 as they are, 12 still what it is of."""
_CAPTION = 2
_HEAD = 2
_GAP = 3
_LEAST_TILE = 20
_LEAST_NAME = 12
_LINE_WITHOUT_NAMES = 8 + 13 + 8
"""Cells of a mistake's line beside the two names."""

Words = tuple[str, str, str]
"""A line of a caption: what it says, the name of a class, and what stands at its end."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """The grid of images on a page: columns, rows and sizes."""

    across: int
    down: int
    rows: int
    """Lines of an image."""
    width: int
    """Cells of an image with its caption, at least."""
    most_width: int
    """Cells that a caption can take with as many images in a row."""

    @property
    def images(self) -> int:
        """The number of images on a page."""
        return self.across * self.down


def tiling(width: int, height: int) -> Tiling:
    """Return a grid of full-size images, or of smaller ones where two rows show far more."""
    room = height - _HEAD
    rows = min(max(room - _CAPTION, _LEAST_ROWS), _FULL_ROWS)
    full, small = _grid(width, room, rows), _grid(width, room, min(rows, _SMALL_ROWS))
    is_worth_it = full.down == 1 and small.images >= 2 * full.images
    return small if is_worth_it else full


def _grid(width: int, room: int, rows: int) -> Tiling:
    tile = max(rows * PIXELS_A_CELL, _LEAST_TILE)
    across = max((width + _GAP) // (tile + _GAP), 1)
    down = max((room + 1) // (rows + _CAPTION + 1), 1)
    return Tiling(across, down, rows, tile, max((width + _GAP) // across - _GAP, tile))


def _further(material: Material, tested: Outcome, down: int, right: int) -> tuple[int, int] | None:
    """Go to the next page of mistakes, or to the previous one."""
    to = material.corner[0] + down * tiling(material.width, material.height).images
    are_drawn = isinstance(material.pictures, tuple)
    return (to, 0) if down and are_drawn and 0 <= to < len(tested.mistakes) else None


def mistakes_text(material: Material, tested: Outcome) -> Content:
    """Return a page of mistakes, from the row of `material.corner` on."""
    if not tested.mistakes:
        return Content.styled("no mistake on the test images", "$foreground")
    if isinstance(material.pictures, str):
        words = Content.styled(f"not drawn: {material.pictures}", "$warning")
        table = [_line(material, tested, mistake) for mistake in tested.mistakes]
        return Content("\n").join([words, Content(""), *table])
    tiles = tiling(material.width, material.height)
    first, _ = material.corner
    last = min(first + tiles.images, len(tested.mistakes))
    head = Content.assemble(
        (f"{first + 1}–{last}", "$foreground bold"),
        (f" of the {len(tested.mistakes)} most confident mistakes", "$muted"),
        ("   ↑ ↓ others" if len(tested.mistakes) > tiles.images else "", "$muted"),
        ("   reading the images…" if material.pictures is None else "", "$muted"),
    )
    return Content("\n").join([head, Content(""), *_tiles(material, tested, tiles, first, last)])


def _tiles(
    material: Material, tested: Outcome, tiles: Tiling, first: int, last: int
) -> list[Content]:
    """Return the lines of the mistakes from `first` to before `last`, side by side."""
    captions = [_caption(material, tested, mistake) for mistake in tested.mistakes]
    # Of all, so that the grid stays as the pages turn.
    needed = max(cell_width(text) for caption in captions for text in map("".join, caption))
    wide = min(max(needed, tiles.width), tiles.most_width)
    pictures = material.pictures if isinstance(material.pictures, tuple) else (None,) * last
    lines: list[Content] = []
    for start in range(first, last, tiles.across):
        row = range(start, min(start + tiles.across, last))
        drawn = [_tile(captions[place], pictures[place], tiles.rows, wide) for place in row]
        lines += [Content(" " * _GAP).join(parts) for parts in zip(*drawn, strict=True)]
        lines.append(Content(""))
    return lines[:-1]


def _tile(
    caption: tuple[Words, Words], picture: NDArray[np.uint8] | None, rows: int, width: int
) -> list[Content]:
    """Return the image's lines and two of caption, all `width` cells wide."""
    lines = [] if picture is None else list(half_blocks(picture, width, rows))
    lines = [line.pad_right(width - line.cell_length) for line in lines]
    lines += [Content(" " * width)] * (rows - len(lines))
    for (word, name, end), style in zip(caption, ("$foreground", "$validation"), strict=True):
        end = fitted(end, min(cell_width(end), width // 2))
        name = fitted(name, width - len(word) - cell_width(end))
        lines.append(Content.assemble((word, "$muted"), (name, f"{style} bold"), (end, "$muted")))
    return lines


def _caption(material: Material, tested: Outcome, mistake: Mistake) -> tuple[Words, Words]:
    truth, predicted = _names(material, mistake)
    return (
        ("truth ", truth, f" {_place(tested, mistake)}"),
        ("taken ", predicted, f" {accuracy(mistake.confidence)}"),
    )


def _line(material: Material, tested: Outcome, mistake: Mistake) -> Content:
    truth, predicted = _names(material, mistake)
    room = max((material.width - _LINE_WITHOUT_NAMES) // 2, _LEAST_NAME)
    left = name_width(material.class_names, room)
    place = _place(tested, mistake)
    return Content.assemble(
        (f"{place:<7} ", "$muted"),
        (fitted(truth, left), "$foreground bold"),
        ("  taken for  ", "$muted"),
        (fitted(predicted, left), "$validation bold"),
        (f"  {accuracy(mistake.confidence)}", "$foreground"),
    )


def _place(tested: Outcome, mistake: Mistake) -> str:
    """Return the file of a test image, or else its number."""
    if not tested.files:
        return f"#{mistake.index}"
    return printable(PurePath(tested.files[mistake.index]).name)


def _names(material: Material, mistake: Mistake) -> tuple[str, str]:
    names = material.class_names
    return names[mistake.truth], names[mistake.predicted]


MistakesPage = partial(PartPage, mistakes_text, _further)
"""The mistakes, as many at a time as fit; the arrow keys turn the pages."""
