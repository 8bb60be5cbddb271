"""The base of every chart: a canvas with two axes that places points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Generic, Protocol, TypeVar

from textual.strip import Strip
from textual.theme import Theme
from textual_hires_canvas import Canvas, HiResMode

from engine.common.axis import Axis
from engine.common.text import cell_width
from engine.state.series import Point

_LEAST_LEFT = 6
"""Cells beside the plot, the axis among them."""
_BELOW = 2
"""Rows below the plot: the axis and its labels."""
_LEAST_WIDTH, _LEAST_HEIGHT = 4, 2
_ROWS_A_TICK = 2
_TALL_ROWS_A_TICK = 3
_TALL_ROWS = 12
_LEAST_INTERVALS = 2
GRID = "┈"
DOTS_A_CELL = 2
"""Across."""
CELLS_A_TICK = 6


@dataclass(frozen=True, slots=True)
class Area:
    """The place of two axes on a canvas, in cells: pure."""

    x: Axis
    y: Axis
    left: int
    """The first column of the plot, just right of the axis."""
    right: int
    """The first column after the plot."""
    bottom: int
    """The row of the x axis, the first below the plot."""
    y_labels: tuple[tuple[float, str], ...]

    @property
    def width(self) -> int:
        """Columns of the plot."""
        return self.right - self.left

    def place(self, x: float, y: float) -> Point:
        """The cell of a point, with its fraction; values beyond an axis are put at its end."""
        across = min(max(self.x.share(x), 0.0), 1.0) * (self.width - 1)
        up = min(max(self.y.share(y), 0.0), 1.0)
        return self.left + across, (1.0 - up) * (self.bottom - 0.25)

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """The column and the row of a point."""
        across, down = self.place(x, y)
        return int(across), int(down)

    def column(self, x: float) -> int:
        """The column of a place on the x axis."""
        return self.cell(x, self.y.low)[0]

    def row(self, y: float) -> int:
        """The row of a place on the y axis."""
        return self.cell(self.x.low, y)[1]


def area_on(x: Axis, y: Axis, width: int, height: int) -> Area | None:
    """Place two axes on a canvas of this many cells; None if it is too small."""
    bottom = height - _BELOW
    rows = _TALL_ROWS_A_TICK if bottom >= _TALL_ROWS else _ROWS_A_TICK
    labels = tuple(y.labels(max(bottom // rows, _LEAST_INTERVALS)))
    left = max(_LEAST_LEFT, 1 + max((len(text) for _, text in labels), default=0))
    if width - left < _LEAST_WIDTH or bottom < _LEAST_HEIGHT:
        return None
    return Area(x, y, left, width, bottom, labels)


class HasAxes(Protocol):
    """What a plot needs to know of its data."""

    @property
    def x(self) -> Axis:
        """The axis from left to right."""

    @property
    def y(self) -> Axis:
        """The axis from the bottom to the top."""


Data = TypeVar("Data", bound=HasAxes)


class Plot(Canvas, Generic[Data]):
    """Owns the data of a chart and draws it, again when its size or the theme changes.

    A kind of chart draws in `draw` what is between the axes. Its styles are the component classes
    `chart--<name>`, of which `axis` and `grid` are drawn here.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--axis", "chart--grid"}
    DEFAULT_CSS = """
    Plot {
        width: 1fr;
        height: 1fr;
        & > .chart--axis { color: $muted; }
        & > .chart--grid { color: $grid; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(1, 1, id=id)
        self.data: Data | None = None
        self.area: Area | None = None
        """None while nothing is drawn."""

    def plot(self, data: Data) -> None:
        """Draw these data."""
        self.data = data
        self._redraw()

    def draw(self, area: Area, data: Data) -> None:
        """Draw what is between the axes, and the labels; the axes themselves are drawn before."""
        raise NotImplementedError

    def on_resize(self) -> None:
        self.reset(size=self.size)
        self._redraw()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._redraw_later)

    def _redraw_later(self, _theme: Theme) -> None:
        # The stylesheet gets the new colours only after the signal.
        self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        data, size = self.data, self.size
        self.area = None if data is None else area_on(data.x, data.y, size.width, size.height)
        if data is None or self.area is None:
            return
        with self.batch_refresh():
            self.reset(size=size)
            self._draw_axes(self.area)
            self.draw(self.area, data)

    def render_line(self, y: int) -> Strip:
        """Render the line at `y`, from 0; segments without a style get the widget's.

        The canvas has no styles before it knows its size, and Textual's filter that turns colours
        into greys, for `NO_COLOR`, fails on a segment without one.
        """
        style = self.rich_style
        line = super().render_line(y).apply_style(style)
        return line.extend_cell_length(self.size.width, style)

    # What kinds of charts draw with.

    def style_of(self, name: str) -> str:
        """The style of a component class, as the canvas takes it."""
        return str(self.get_component_rich_style(f"chart--{name}", partial=True))

    def _draw_axes(self, area: Area) -> None:
        axis = self.style_of("axis")
        for y in range(area.bottom):
            self.set_pixel(area.left - 1, y, "│", axis)
        for x in range(area.left, area.right):
            self.set_pixel(x, area.bottom, "─", axis)
        self.set_pixel(area.left - 1, area.bottom, "└", axis)

    def draw_y_labels(self, area: Area) -> None:
        """Write the labels beside the plot, each with a line of the grid across it."""
        axis, grid = self.style_of("axis"), self.style_of("grid")
        labelled = set[int]()
        for value, label in area.y_labels:
            y = area.row(value)
            if y in labelled:
                continue
            labelled.add(y)
            for x in range(area.left, area.right):
                self.set_pixel(x, y, GRID, grid)
            self.set_pixel(area.left - 1, y, "┤", axis)
            self.write(area.left - 1 - cell_width(label), y, label, axis)

    def draw_x_labels(
        self, area: Area, cells_a_tick: int, room: tuple[int, int], *, shifts_last: bool
    ) -> None:
        """Write the labels below the plot that have room, so that none overlap.

        The first one may stand to the right of the middle of its tick.

        Args:
            area: the place of the axes.
            cells_a_tick: about how much room a label takes.
            room: the first column for labels, and the first one after them.
            shifts_last: whether a label at the end is moved to the left until it fits, and every
                tick is drawn; else a tick is drawn only where its label is.
        """
        axis = self.style_of("axis")
        free, end = room
        for number, (value, label) in enumerate(area.x.labels(max(area.width // cells_a_tick, 1))):
            x, width = area.column(value), cell_width(label)
            left = x - width // 2
            if number == 0 and left < free <= x:
                left = free
            if shifts_last:
                left = min(left, end - width)
            fits = free <= left and left + width <= end
            if fits or shifts_last:
                self.set_pixel(x, area.bottom, "┴", axis)
            if fits:
                self.write(left, area.bottom + 1, label, axis)
                free = left + width + 1

    def draw_points(self, area: Area, points: Iterable[Point], style: str) -> None:
        """Join points with a line of dots; points off the x axis are left out."""
        shown = [area.place(*point) for point in points if area.x.holds(point[0])]
        if len(shown) == 1:
            self.draw_dots(shown, style)
        lines = [(*start, *end) for start, end in pairwise(shown)]
        self.draw_hires_lines(lines, HiResMode.BRAILLE, style)

    def draw_dots(self, places: Sequence[Point], style: str) -> None:
        """Draw dots, of which a cell has two across and four down."""
        if places:
            self.set_hires_pixels(places, HiResMode.BRAILLE, style)

    def write(self, x: int, y: int, text: str, style: str) -> None:
        """Write a text from a cell on; a character of two cells leaves its second one empty."""
        at = x
        for char in text:
            width = cell_width(char)
            if at >= 0 and at + width <= self.size.width:
                self.set_pixel(at, y, char, style)
                if width == 2:
                    self.set_pixel(at + 1, y, "", style)
            at += width
