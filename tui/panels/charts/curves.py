"""A chart of a run's curves: train, validation, and markers of what happened when."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from engine.common.text import cell_width
from tui.panels.charts.data import BEST_MARK, ChartData, thinned
from tui.panels.charts.plot import CELLS_A_TICK, DOTS_A_CELL, GRID, Area, Plot

VALIDATION_MARK = "●"
_MARKER = "┊"
_EMPTY = f" {GRID}"
"""Cells that a text may cover without hiding data."""


class CurveChart(Plot[ChartData]):
    """Draws train as a line, validation as marks joined by a line, markers as dotted verticals."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--train",
        "chart--raw",
        "chart--validation",
        "chart--marker",
    }
    DEFAULT_CSS = """
    CurveChart {
        & > .chart--train { color: $primary; }
        & > .chart--validation { color: $validation; }
        & > .chart--marker { color: $muted; }
        & > .chart--raw { color: $load; }
    }
    """

    def draw(self, area: Area, data: ChartData) -> None:
        """Draw the labels, the markers, the curves over them, and the markers' texts last."""
        self.draw_y_labels(area)
        self.write(0, area.bottom + 1, data.x_name, self.style_of("axis"))
        self.draw_x_labels(area, CELLS_A_TICK, (len(data.x_name) + 1, area.right), shifts_last=True)
        shown = (marker for marker in data.markers if data.x.holds(marker.x))
        markers = [(area.column(marker.x), marker.text) for marker in shown]
        self._draw_markers(area, markers)
        dots = area.width * DOTS_A_CELL
        if data.raw:
            self.draw_points(area, thinned(data.raw, dots), self.style_of("raw"))
        self.draw_points(area, data.validation, self.style_of("validation"))
        self.draw_points(area, thinned(data.train, dots), self.style_of("train"))
        self._draw_marks(area, data)
        self._draw_marker_texts(area, markers, at_bottom=data.rises)

    def _draw_markers(self, area: Area, markers: list[tuple[int, str]]) -> None:
        style = self.style_of("marker")
        for x, _ in markers:
            for y in range(area.bottom):
                self.set_pixel(x, y, _MARKER, style)

    def _draw_marks(self, area: Area, data: ChartData) -> None:
        style = self.style_of("validation")
        for x, y in data.validation:
            if area.x.holds(x):
                mark = BEST_MARK if x == data.best_x else VALIDATION_MARK
                self.set_pixel(*area.cell(x, y), mark, style)

    def _draw_marker_texts(
        self, area: Area, markers: list[tuple[int, str]], *, at_bottom: bool
    ) -> None:
        """Write the texts of the markers where there is room: whole, and not over data."""
        style = self.style_of("marker")
        if at_bottom:  # upwards: of one place the last first, so that all charts read alike
            places = [[*group] for _, group in groupby(markers, itemgetter(0))]
            markers = [marker for place in places for marker in reversed(place)]
        for number, (x, text) in enumerate(markers):
            rows = [(number + offset) % area.bottom for offset in range(area.bottom)]
            if at_bottom:
                rows = [area.bottom - 1 - row for row in rows]
            place = self._free_place(area, rows, x, cell_width(text) + 2)
            if place is not None:
                # The blanks at both ends set it apart.
                self.write(*place, f" {text} ", style)

    def _free_place(
        self, area: Area, rows: list[int], x: int, length: int
    ) -> tuple[int, int] | None:
        """Find free cells for a text beside its line, across another marker's line if it must."""
        for clearable in (_EMPTY, _EMPTY + _MARKER):
            for y in rows:
                for start in (x + 1, x - length):
                    if self._is_free(area, start, y, length, clearable):
                        return start, y
        return None

    def _is_free(self, area: Area, start: int, y: int, length: int, clearable: str) -> bool:
        if start < area.left or start + length > area.right + 1:
            return False
        columns = range(start, min(start + length, area.right))
        return all(self.get_pixel(x, y)[0] in clearable for x in columns)
