"""The chart of accuracy against cost, with the front as a stepped line and one run highlighted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.content import Content

from engine.common.text import cell_width
from engine.state.series import Point
from tui.panels.charts.pareto_data import ParetoData, ParetoPoint
from tui.panels.charts.plot import Area, Plot

_CELLS_A_TICK = 9
_NAMED_MOST = 12
"""At most this many points have names, where these do not overlap: those of the front, and the
others where all are so few."""
_DOTS_FROM = 300
"""From this many points on they are drawn as dots, of which a cell has eight."""
OTHER, FRONT, LIT, APART = "○", "●", "◉", "≠"
Spot = tuple[int, int]
"""Column and line of a cell."""


class ParetoChart(Plot[ParetoData]):
    """Draws points in cells; of those that share a cell, the more important one is visible."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--front",
        "chart--other",
        "chart--apart",
        "chart--lit",
        "chart--name",
    }

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.add_class("panel")
        self.lit_run: str | None = None
        self._marks: Mapping[str, str] = {}
        self._by_id: dict[str, ParetoPoint] = {}
        self._taken: set[Spot] = set()
        self._names: dict[str, Spot] = {}
        self._covered: dict[Spot, tuple[str, str]] = {}

    def show(self, data: ParetoData, marks: Mapping[str, str]) -> None:
        """Draw `data`, with the marks of the best and the fastest run by run id."""
        self._marks = marks
        self._by_id = {point.run_id: point for point in data.points}
        self.plot(data)

    def light(self, run_id: str | None) -> None:
        """Highlight a run and name it."""
        if run_id == self.lit_run:
            return
        self.lit_run = run_id
        if self.data is not None and self.area is not None:
            with self.batch_refresh():
                self._put_out()
                self._light_up(self.area, self.data)

    def draw(self, area: Area, data: ParetoData) -> None:
        """Draw the front, the points over it, and the names beside them."""
        self.border_title = Content.assemble(
            ("accuracy", "$foreground bold"), f" against {data.cost.title}"
        )
        self._taken, self._names, self._covered = set(), {}, {}
        if data.points:
            self.draw_y_labels(area)
            self._draw_costs(area)
        else:
            words = "no tested run whose cost is known"
            self.write(area.left + 1, area.bottom // 2, words, self.style_of("axis"))
        self._draw_front(area, data)
        self._draw_points(area, data)
        self._draw_names(area, data)
        self._light_up(area, data)

    def _draw_costs(self, area: Area) -> None:
        unit = f"{area.x.unit}{' log' if area.x.is_log else ''}".strip()
        start = area.right - len(unit)
        self.write(start, area.bottom + 1, unit, self.style_of("axis"))
        self.draw_x_labels(area, _CELLS_A_TICK, (0, start - 1), shifts_last=False)

    def _draw_front(self, area: Area, data: ParetoData) -> None:
        steps: list[Point] = []
        for point in data.front:
            if steps:
                steps.append((point.cost, steps[-1][1]))
            steps.append((point.cost, point.accuracy))
        if steps:
            steps.append((area.x.high, steps[-1][1]))
        self.draw_points(area, steps, self.style_of("front"))

    def _draw_points(self, area: Area, data: ParetoData) -> None:
        others = [point for point in data.points if not point.is_on_front and not point.is_apart]
        if len(others) >= _DOTS_FROM:
            dots = {_dot(area, point) for point in others}
            self.draw_dots(list(dots), self.style_of("other"))
        else:
            self._put(area, others, OTHER, "other")
        self._put(area, [point for point in data.points if point.is_apart], APART, "apart")
        self._put(area, list(data.front), FRONT, "front")
        for point in data.points:
            for mark in self._marks.get(point.run_id, "")[:1]:
                self._put(area, [point], mark, "front")

    def _put(self, area: Area, points: list[ParetoPoint], glyph: str, name: str) -> None:
        style = self.style_of(name)
        for x, y in {area.cell(point.cost, point.accuracy) for point in points}:
            self.write(x, y, glyph, style)
            self._taken.update((x + offset, y) for offset in range(cell_width(glyph)))

    def _draw_names(self, area: Area, data: ParetoData) -> None:
        if len(data.points) >= _DOTS_FROM:
            return
        named = list(data.front[-_NAMED_MOST:])
        if len(data.points) <= _NAMED_MOST:
            named += [point for point in data.points if not point.is_on_front]
        for point in named:
            name = point.name[: area.width - 2]
            place = self._free_place(area, point, name, self._taken)
            if place is not None:
                self._names[point.run_id] = place
                self.write(*place, name, self.style_of("name"))
                self._taken |= _cells_of(name, place)

    def _free_place(
        self, area: Area, point: ParetoPoint, name: str, taken: set[Spot]
    ) -> Spot | None:
        """Find free cells for a name beside its point: below or above the line first."""
        x, y = area.cell(point.cost, point.accuracy)
        left, above, below = x - 1 - cell_width(name), y - 1, y + 1
        beside = ((x + 1, below), (left, above), (x + 2, above), (x + 3, y), (left, y))
        for place in (*beside, (left, below)):
            inside = place[0] > area.left and place[0] + cell_width(name) <= area.right
            if inside and 0 <= place[1] < area.bottom and not _cells_of(name, place) & taken:
                return place
        return None

    # The highlighted run is drawn over the rest, which is slow with ten thousand points.

    def _light_up(self, area: Area, data: ParetoData) -> None:
        point = self._by_id.get(self.lit_run or "")
        self.border_subtitle = self._words(data, is_lit=point is not None)
        if point is None:
            return
        style = self.style_of("lit")
        name = point.name[: area.width - 2]
        place = self._names.get(point.run_id) or self._free_place(area, point, name, self._taken)
        if place is None:
            place = self._free_place(area, point, name, set())
        if place is not None:
            self._draw_over(*place, name, style)
        self._draw_over(*area.cell(point.cost, point.accuracy), LIT, style)

    def _draw_over(self, x: int, y: int, text: str, style: str) -> None:
        # A glyph of two cells takes its second half along.
        room = cell_width(text) + (cell_width(self.get_pixel(x, y)[0]) == 2)
        for at in range(x, min(x + room, self.size.width)):
            self._covered.setdefault((at, y), self.get_pixel(at, y))
        self.write(x, y, text.ljust(room) if room > cell_width(text) else text, style)

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


def _dot(area: Area, point: ParetoPoint) -> Point:
    """Find the dot of a point: a cell has two across and four down."""
    x, y = area.place(point.cost, point.accuracy)
    return int(x * 2) / 2, int(y * 4) / 4


def _cells_of(name: str, place: Spot) -> set[Spot]:
    """List the cells of a name, and one on each side of it."""
    return {(place[0] + offset, place[1]) for offset in range(-1, cell_width(name) + 1)}
