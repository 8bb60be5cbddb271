"""Images as half blocks: every pixel in its place, any size into any room."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from textual.color import Color
from textual.content import Content
from textual.style import Style

from tui.panels.pixels import drawn_size, half_blocks


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def colors(line: Content) -> list[tuple[Color | None, Color | None]]:
    """What stands above and below in each cell."""
    styles = [span.style for span in line.spans]
    assert all(isinstance(style, Style) for style in styles)
    return [(s.foreground, s.background) for s in styles if isinstance(s, Style)]


def test_a_test_image_is_32_columns_and_16_lines_pixel_by_pixel() -> None:
    image = noise(32, 32)
    lines = half_blocks(image, 32, 16)
    assert [line.plain for line in lines] == ["▀" * 32] * 16
    for row, line in enumerate(lines):
        for column, (above, below) in enumerate(colors(line)):
            assert above == Color(*image[2 * row, column].tolist())
            assert below == Color(*image[2 * row + 1, column].tolist())


def test_enlarged_it_shows_each_pixel_as_a_square() -> None:
    image = noise(2, 2)
    drawn = [colors(line) for line in half_blocks(image, 4)]
    first, second = (Color(*image[0, x].tolist()) for x in range(2))
    assert [above for above, _ in drawn[0]] == [first, first, second, second]
    assert [below for _, below in drawn[0]] == [first, first, second, second]


def test_reduced_each_pixel_is_the_mean_of_those_it_stands_for() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :2] = [[[10, 0, 0], [20, 0, 0]], [[30, 0, 0], [40, 0, 200]]]
    above, below = colors(half_blocks(image, 2)[0])[0]
    assert above == Color(25, 0, 50)
    assert below == Color(0, 0, 0)


@pytest.mark.parametrize(
    ("image", "room", "drawn"),
    [
        ((32, 32), (32, 16), (32, 32)),
        ((32, 32), (80, 9), (18, 18)),
        ((8, 8), (32, 16), (32, 32)),
        ((300, 600), (40, 40), (20, 40)),
        ((600, 3), (40, 10), (20, 1)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
def test_sides_stay_in_proportion_within_the_room(
    image: tuple[int, int], room: tuple[int, int], drawn: tuple[int, int]
) -> None:
    assert drawn_size(*image, *room) == drawn
    lines = half_blocks(noise(*image), *room)
    assert {line.cell_length for line in lines} == {drawn[1]}
    assert len(lines) == -(-drawn[0] // 2) <= room[1]
