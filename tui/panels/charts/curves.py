"""A chart of curves over epochs, on textual-plot's high-resolution canvas."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar

from textual import events
from textual.theme import Theme
from textual_hires_canvas import HiResMode, TextAlign

from engine.state.series import Point
from tui.panels.charts.canvas import StyledCanvas
from tui.panels.charts.data import ChartData, thinned

_LEAST_LEFT = 6
"""Cells beside the plot, the axis among them."""
_BOTTOM = 2
_ROWS_A_TICK = 2
_TALL_ROWS_A_TICK = 3
_TALL_ROWS = 12
_LEAST_INTERVALS = 2
_CELLS_A_TICK = 6
_VALIDATION_MARK = "●"
_BEST_MARK = "★"
_GRID, _MARKER = "┈", "┊"
_EMPTY = f" {_GRID}"
"""Cells on which a text takes nothing away."""
_DOTS_A_CELL = 2


def left_of(labels: Iterable[str]) -> int:
    """Cells beside a plot whose y axis has these labels, the axis among them."""
    return max(_LEAST_LEFT, 1 + max(map(len, labels), default=0))


class CurveChart(StyledCanvas):
    """Train as a line, validation as marks joined by a line, what happened as dotted verticals."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--axis",
        "chart--grid",
        "chart--train",
        "chart--raw",
        "chart--validation",
        "chart--marker",
    }

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(1, 1, id=id)
        self.data: ChartData | None = None
        self._left = _LEAST_LEFT

    def show(self, data: ChartData) -> None:
        """Draw `data`."""
        self.data = data
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self.reset(size=event.size)
        self._draw()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._redraw_later)

    def _redraw_later(self, _theme: Theme) -> None:
        # The stylesheet has the new colours only after the signal.
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        data, (width, height) = self.data, self.size
        if data is None or width < _LEAST_LEFT + 4 or height < _BOTTOM + 2:
            return
        self._left = left_of(label for _, label in self._y_labels(data))
        dots = self._plot_width * _DOTS_A_CELL
        with self.batch_refresh():
            self.reset(size=self.size)
            self._draw_frame(data)
            self._draw_markers(data)
            if data.raw:
                self._draw_line(data, thinned(data.raw, dots), "raw")
            self._draw_line(data, data.validation, "validation")
            self._draw_line(data, thinned(data.train, dots), "train")
            self._draw_marks(data)
            self._draw_marker_texts(data)

    @property
    def _plot_width(self) -> int:
        return self.size.width - self._left

    @property
    def _plot_height(self) -> int:
        return self.size.height - _BOTTOM

    def _style(self, name: str) -> str:
        return str(self.get_component_rich_style(f"chart--{name}", partial=True))

    def _y_labels(self, data: ChartData) -> list[tuple[float, str]]:
        bottom = self._plot_height
        rows = _TALL_ROWS_A_TICK if bottom >= _TALL_ROWS else _ROWS_A_TICK
        return data.y.labels(max(bottom // rows, _LEAST_INTERVALS))

    def _draw_frame(self, data: ChartData) -> None:
        axis, grid = self._style("axis"), self._style("grid")
        bottom = self._plot_height
        for y in range(bottom):
            self.set_pixel(self._left - 1, y, "│", axis)
        for x in range(self._left, self.size.width):
            self.set_pixel(x, bottom, "─", axis)
        self.set_pixel(self._left - 1, bottom, "└", axis)
        labelled = set[int]()
        for value, label in self._y_labels(data):
            y = self._cell(data, data.x.low, value)[1]
            if y in labelled:
                continue
            labelled.add(y)
            for x in range(self._left, self.size.width):
                self.set_pixel(x, y, _GRID, grid)
            self.set_pixel(self._left - 1, y, "┤", axis)
            self._write(self._left - 2, y, label, axis, TextAlign.RIGHT)
        self._write(0, bottom + 1, data.x_name, axis)
        free = len(data.x_name)
        for value, label in data.x.labels(max(self._plot_width // _CELLS_A_TICK, 1)):
            x = self._cell(data, value, data.y.low)[0]
            self.set_pixel(x, bottom, "┴", axis)
            left = min(x - len(label) // 2, self.size.width - len(label))
            if left < free:
                continue
            self._write(left, bottom + 1, label, axis)
            free = left + len(label) + 1

    def _draw_markers(self, data: ChartData) -> None:
        style = self._style("marker")
        for x, _ in self._markers(data):
            for y in range(self._plot_height):
                self.set_pixel(x, y, _MARKER, style)

    def _draw_marker_texts(self, data: ChartData) -> None:
        """Write what the markers stand for where there is room: whole, over nothing that counts."""
        style = self._style("marker")
        for number, (x, text) in enumerate(self._markers(data)):
            place = self._free_place(data, number, x, text)
            if place is not None:
                # The blanks at both ends set it off.
                self._write(*place, f" {text} ", style)

    def _markers(self, data: ChartData) -> list[tuple[int, str]]:
        """Column and text of each marker in sight."""
        shown = (marker for marker in data.markers if data.x.holds(marker.x))
        return [(self._cell(data, marker.x, data.y.low)[0], marker.text) for marker in shown]

    def _free_place(
        self, data: ChartData, number: int, x: int, text: str
    ) -> tuple[int, int] | None:
        """Where beside its line a text stands free; across another marker's line if it must."""
        rows = self._plot_height
        length = len(text) + 2
        for clearable in (_EMPTY, _EMPTY + _MARKER):
            for row in ((number + offset) % rows for offset in range(rows)):
                y = rows - 1 - row if data.rises else row
                for start in (x + 1, x - length):
                    if self._is_free(start, y, length, clearable):
                        return start, y
        return None

    def _is_free(self, start: int, y: int, length: int, clearable: str) -> bool:
        if start < self._left or start + length > self.size.width + 1:
            return False
        columns = range(start, min(start + length, self.size.width))
        return all(self.get_pixel(x, y)[0] in clearable for x in columns)

    def _draw_line(self, data: ChartData, points: tuple[Point, ...], name: str) -> None:
        shown = [self._place(data, *point) for point in points if data.x.holds(point[0])]
        if len(shown) == 1:
            self.set_hires_pixels(shown, HiResMode.BRAILLE, self._style(name))
        lines = [(*start, *end) for start, end in pairwise(shown)]
        self.draw_hires_lines(lines, HiResMode.BRAILLE, self._style(name))

    def _draw_marks(self, data: ChartData) -> None:
        style = self._style("validation")
        for x, y in data.validation:
            if data.x.holds(x):
                mark = _BEST_MARK if x == data.best_x else _VALIDATION_MARK
                self.set_pixel(*self._cell(data, x, y), mark, style)

    def _place(self, data: ChartData, x: float, y: float) -> tuple[float, float]:
        """The cell of a point, with its fraction; values off the y axis stick to its end."""
        across = min(max(data.x.share(x), 0.0), 1.0) * (self._plot_width - 1)
        up = min(max(data.y.share(y), 0.0), 1.0)
        return self._left + across, (1.0 - up) * (self._plot_height - 0.25)

    def _cell(self, data: ChartData, x: float, y: float) -> tuple[int, int]:
        across, down = self._place(data, x, y)
        return int(across), int(down)

    def _write(
        self, x: int, y: int, text: str, style: str, align: TextAlign = TextAlign.LEFT
    ) -> None:
        start = x - len(text) + 1 if align is TextAlign.RIGHT else x
        for offset, char in enumerate(text):
            if align is TextAlign.LEFT or start + offset >= 0:
                self.set_pixel(start + offset, y, char, style)
