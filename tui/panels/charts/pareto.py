"""The chart of accuracy against cost, the front as a stepped line, the highlighted run lit."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.theme import Theme
from textual_hires_canvas import HiResMode, TextAlign

from engine.common.columns import cell_width
from tui.panels.charts.canvas import StyledCanvas
from tui.panels.charts.pareto_data import ParetoData, ParetoPoint

_LEFT = 6
_BOTTOM = 2
_ROWS_A_TICK = 3
_SHORT_ROWS_A_TICK = 2
_SHORT_ROWS = 12
_CELLS_A_TICK = 9
_NAMED_MOST = 12
"""Of the front, so many points are named where their names do not run into each other."""
_DOTS_FROM = 300
"""So many points are drawn as dots, of which a cell holds eight."""
OTHER, FRONT, LIT, APART = "○", "●", "◉", "≠"
Spot = tuple[int, int]
"""Column and line of a cell."""


class ParetoChart(StyledCanvas):
    """Points in cells; of those that share one, the more telling one is seen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pareto--axis",
        "pareto--grid",
        "pareto--front",
        "pareto--other",
        "pareto--apart",
        "pareto--lit",
        "pareto--name",
    }

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(1, 1, id=id)
        self.add_class("panel")
        self.data: ParetoData | None = None
        self.lit_run: str | None = None
        self._marks: Mapping[str, str] = {}
        self._by_id: dict[str, ParetoPoint] = {}
        self._taken: set[Spot] = set()
        self._names: dict[str, Spot] = {}
        self._covered: dict[Spot, tuple[str, str]] = {}
        self._is_drawn = False

    def show(self, data: ParetoData, marks: Mapping[str, str]) -> None:
        """Draw `data`, with the marks of the best and the fastest run by run id."""
        self.data, self._marks = data, marks
        self._by_id = {point.run_id: point for point in data.points}
        self._draw()

    def light(self, run_id: str | None) -> None:
        """Light up a run and name it."""
        if run_id == self.lit_run:
            return
        self.lit_run = run_id
        if self.data is not None and self._is_drawn:
            with self.batch_refresh():
                self._put_out()
                self._light_up(self.data)

    def on_resize(self, event: events.Resize) -> None:
        self.reset(size=self.size)
        self._draw()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._redraw_later)

    def _redraw_later(self, _theme: Theme) -> None:
        # The stylesheet has the new colours only after the signal.
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        data, (width, height) = self.data, self.size
        self._is_drawn = data is not None and width >= _LEFT + 4 and height >= _BOTTOM + 2
        if data is None or not self._is_drawn:
            return
        self.border_title = Content.assemble(
            ("accuracy", "$foreground bold"), f" against {data.cost.title}"
        )
        self._taken, self._names, self._covered = set(), {}, {}
        with self.batch_refresh():
            self.reset()
            self._draw_frame(data)
            self._draw_front(data)
            self._draw_points(data)
            self._draw_names(data)
            self._light_up(data)

    @property
    def _plot_width(self) -> int:
        return self.size.width - _LEFT

    @property
    def _plot_height(self) -> int:
        return self.size.height - _BOTTOM

    def _style(self, name: str) -> str:
        return str(self.get_component_rich_style(f"pareto--{name}", partial=True))

    def _draw_frame(self, data: ParetoData) -> None:
        axis, grid, bottom = self._style("axis"), self._style("grid"), self._plot_height
        for y in range(bottom):
            self.set_pixel(_LEFT - 1, y, "│", axis)
        for x in range(_LEFT, self.size.width):
            self.set_pixel(x, bottom, "─", axis)
        self.set_pixel(_LEFT - 1, bottom, "└", axis)
        if not data.points:
            self._write(_LEFT + 1, bottom // 2, "no tested run whose cost is known", axis)
            return
        rows = _SHORT_ROWS_A_TICK if bottom < _SHORT_ROWS else _ROWS_A_TICK
        for value, label in data.y.labels(max(bottom // rows, 2)):
            y = self._cell(data, data.x.low, value)[1]
            for x in range(_LEFT, self.size.width):
                self.set_pixel(x, y, "┈", grid)
            self.set_pixel(_LEFT - 1, y, "┤", axis)
            self._write(_LEFT - 2, y, label, axis, TextAlign.RIGHT)
        self._draw_costs(data, axis)

    def _draw_costs(self, data: ParetoData, axis: str) -> None:
        bottom, end = self._plot_height, self.size.width
        unit = f"{data.x.unit}{' log' if data.x.is_log else ''}".strip()
        self._write(end - len(unit), bottom + 1, unit, axis)
        end -= len(unit) + 1
        free = 0
        for value, label in data.x.labels(max(self._plot_width // _CELLS_A_TICK, 1)):
            x = self._cell(data, value, data.y.low)[0]
            left = x - len(label) // 2
            if left < free or left + len(label) > end:
                continue
            self.set_pixel(x, bottom, "┴", axis)
            self._write(left, bottom + 1, label, axis)
            free = left + len(label) + 1

    def _draw_front(self, data: ParetoData) -> None:
        style = self._style("front")
        places = [self._place(data, point) for point in data.front]
        lines = []
        for (x, y), (next_x, next_y) in pairwise(places):
            lines += [(x, y, next_x, y), (next_x, y, next_x, next_y)]
        if places:
            x, y = places[-1]
            lines.append((x, y, self.size.width - 1.0, y))
        self.draw_hires_lines(lines, HiResMode.BRAILLE, style)

    def _draw_points(self, data: ParetoData) -> None:
        others = [point for point in data.points if not point.is_on_front and not point.is_apart]
        if len(others) >= _DOTS_FROM:
            dots = {self._dot(data, point) for point in others}
            self.set_hires_pixels(list(dots), HiResMode.BRAILLE, self._style("other"))
        else:
            self._put(data, others, OTHER, "other")
        self._put(data, [point for point in data.points if point.is_apart], APART, "apart")
        self._put(data, list(data.front), FRONT, "front")
        for point in data.points:
            for mark in self._marks.get(point.run_id, "")[:1]:
                self._put(data, [point], mark, "front")

    def _put(self, data: ParetoData, points: list[ParetoPoint], glyph: str, name: str) -> None:
        style = self._style(name)
        for x, y in {self._cell(data, point.cost, point.accuracy) for point in points}:
            self._write(x, y, glyph, style)
            self._taken.update((x + offset, y) for offset in range(cell_width(glyph)))

    def _draw_names(self, data: ParetoData) -> None:
        if len(data.points) >= _DOTS_FROM:
            return
        for point in data.front[-_NAMED_MOST:]:
            name = point.name[: self._plot_width - 2]
            place = self._free_place(data, point, name, self._taken)
            if place is not None:
                self._names[point.run_id] = place
                self._write(*place, name, self._style("name"))
                self._taken |= _cells_of(name, place)

    def _free_place(
        self, data: ParetoData, point: ParetoPoint, name: str, taken: set[Spot]
    ) -> Spot | None:
        """Where beside its point a name is free to stand: below or above the line first."""
        x, y = self._cell(data, point.cost, point.accuracy)
        left, above, below = x - 1 - cell_width(name), y - 1, y + 1
        beside = ((x + 1, below), (left, above), (x + 2, above), (x + 3, y), (left, y))
        for place in (*beside, (left, below)):
            inside = place[0] > _LEFT and place[0] + cell_width(name) <= self.size.width
            if inside and 0 <= place[1] < self._plot_height and not _cells_of(name, place) & taken:
                return place
        return None

    # The highlighted run: it is lit on top of the rest, which ten thousand points make slow.

    def _light_up(self, data: ParetoData) -> None:
        point = self._by_id.get(self.lit_run or "")
        self.border_subtitle = self._words(data, is_lit=point is not None)
        if point is None:
            return
        style = self._style("lit")
        name = point.name[: self._plot_width - 2]
        place = self._names.get(point.run_id) or self._free_place(data, point, name, self._taken)
        if place is None:
            place = self._free_place(data, point, name, set())
        if place is not None:
            self._draw_over(*place, name, style)
        self._draw_over(*self._cell(data, point.cost, point.accuracy), LIT, style)

    def _draw_over(self, x: int, y: int, text: str, style: str) -> None:
        # Of a glyph that takes two cells the second half goes with it.
        room = cell_width(text) + (cell_width(self.get_pixel(x, y)[0]) == 2)
        for at in range(x, min(x + room, self.size.width)):
            self._covered.setdefault((at, y), self.get_pixel(at, y))
        self._write(x, y, text.ljust(room) if room > cell_width(text) else text, style)

    def _put_out(self) -> None:
        for (x, y), (char, style) in self._covered.items():
            self.set_pixel(x, y, char, style)
        self._covered = {}

    def _words(self, data: ParetoData, *, is_lit: bool) -> Content:
        if not data.points:
            return Content("x other axis")
        words = f"{FRONT} front {len(data.front)} of {len(data.points):,} · x other axis"
        return Content(
            words if is_lit or self.lit_run is None else f"this run has no point · {words}"
        )

    def _place(self, data: ParetoData, point: ParetoPoint) -> tuple[float, float]:
        return self._spot(data, point.cost, point.accuracy)

    def _dot(self, data: ParetoData, point: ParetoPoint) -> tuple[float, float]:
        """The dot of a point: a cell has two across and four down."""
        x, y = self._place(data, point)
        return int(x * 2) / 2, int(y * 4) / 4

    def _spot(self, data: ParetoData, cost: float, accuracy: float) -> tuple[float, float]:
        """The cell of a cost and an accuracy, with its fraction."""
        across = min(max(data.x.share(cost), 0.0), 1.0) * (self._plot_width - 1)
        up = min(max(data.y.share(accuracy), 0.0), 1.0)
        return _LEFT + across, (1.0 - up) * (self._plot_height - 0.25)

    def _cell(self, data: ParetoData, cost: float, accuracy: float) -> tuple[int, int]:
        across, down = self._spot(data, cost, accuracy)
        return int(across), int(down)

    def _write(
        self, x: int, y: int, text: str, style: str, align: TextAlign = TextAlign.LEFT
    ) -> None:
        """Write a text; what takes two cells leaves the second one empty."""
        at = x - cell_width(text) + 1 if align is TextAlign.RIGHT else x
        for char in text:
            width = cell_width(char)
            if at >= 0 and at + width <= self.size.width:
                self.set_pixel(at, y, char, style)
                if width == 2:
                    self.set_pixel(at + 1, y, "", style)
            at += width


def _cells_of(name: str, place: Spot) -> set[Spot]:
    """The cells of a name, and one on each side of it."""
    return {(place[0] + offset, place[1]) for offset in range(-1, cell_width(name) + 1)}
