"""The panel of one run: its tabs, and reading what a tab needs once it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, ScrollableContainer, Vertical
from textual.content import Content
from textual.theme import Theme
from textual.widgets import Static

from engine.runs.listing import RunRecord
from engine.state.snapshot import RunSnapshot
from tui.panels.run_detail.calibration import calibration_text
from tui.panels.run_detail.classes import classes_text
from tui.panels.run_detail.confusion import confusion_text, shown_part
from tui.panels.run_detail.curves import CurvesPage
from tui.panels.run_detail.facts import facts_text
from tui.panels.run_detail.layers import LayersPage
from tui.panels.run_detail.material import Material, Outcome, read_pictures, read_tested
from tui.panels.run_detail.mistakes import mistakes_text, tiling
from tui.panels.run_detail.palette import Palette
from tui.panels.run_detail.tabs import NAMES, tab_lines
from tui.panels.run_detail.times import times_text
from tui.settings import keys

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OF_PREDICTIONS: dict[str, Callable[[Material, Outcome], Content]] = {
    "confusion": confusion_text,
    "classes": classes_text,
    "mistakes": mistakes_text,
    "calibration": calibration_text,
}
"""Tabs that are drawn from the predictions for the test images."""


class _Scrolled(ScrollableContainer, can_focus=False):
    """A page of text, which the panel's keys scroll."""


class RunDetail(Container, can_focus=True):
    """Tabs for the run that `show` was given; each is drawn, and what it needs read, when shown."""

    BINDINGS = keys.bindings("detail")
    DEFAULT_CSS = """
    RunDetail {
        #run-parts, #run-curves-page, #run-layers-page, #run-text-page {
            width: 1fr; height: 1fr;
        }
        #run-tabs { height: 2; }
        .run-page { display: none; scrollbar-size: 1 1; }
        .run-page.-shown { display: block; }
        #run-facts-text { width: 1fr; height: auto; }
        #run-text { width: auto; min-width: 100%; height: auto; }
        #run-curves-note, #run-layers-note { height: auto; color: $text-muted; }
        #run-layers-note { margin-bottom: 1; }
        #run-charts { width: 1fr; height: 1fr; layout: vertical; }
        #run-charts > Vertical { width: 1fr; height: 1fr; }
        .-beside #run-charts { layout: horizontal; }
        .chart-title { height: 1; padding-left: 6; color: $text-muted; }
        CurveChart {
            width: 1fr;
            height: 1fr;
            & > .chart--axis, & > .chart--marker { color: $muted; }
            & > .chart--grid { color: $grid; }
            & > .chart--train { color: $primary; }
            & > .chart--validation { color: $validation; }
        }
        EndedTree {
            height: 1fr;
            background: $background;
            scrollbar-size: 1 1;
            & > .tree--guides, & > .tree--guides-hover, & > .tree--guides-selected {
                color: $line;
            }
            & > .layers--trains { color: $primary; }
            & > .layers--frozen, & > .layers--count { color: $muted; }
            & > .layers--waiting { color: $warning; }
            & > .layers--moved { color: $load; }
            & > .layers--broken { color: $error; }
        }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.run_id = ""
        self.tab = NAMES[0]
        self._run: RunRecord | None = None
        self._snapshot: RunSnapshot | None = None
        self._tested: Outcome | str | None = None
        self._pictures: tuple[NDArray[np.uint8], ...] | str | None = None
        self._first = 0
        self._corner = (0, 0)

    def compose(self) -> ComposeResult:
        with Vertical(id="run-parts"):
            yield Static(id="run-tabs")
            yield CurvesPage(id="run-curves-page", classes="run-page")
            with _Scrolled(id="run-facts-page", classes="run-page"):
                yield Static(id="run-facts-text")
            with _Scrolled(id="run-text-page", classes="run-page"):
                yield Static(id="run-text")
            yield LayersPage(id="run-layers-page", classes="run-page")

    def show(self, run: RunRecord, snapshot: RunSnapshot | None) -> None:
        """Show a run; `snapshot` follows once its record is read, and with it the curves."""
        before = self._run
        if before is None or (before.directory, before.state) != (run.directory, run.state):
            self._tested = self._pictures = None
            self._first, self._corner = 0, (0, 0)
        self.run_id, self._run, self._snapshot = run.run_id, run, snapshot
        # As content: a folder's name may look like markup.
        self.border_title = Content(f"{run.file.spec.model} · {run.run_id}")
        self._draw()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._redraw_later)
        self._draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _redraw_later(self, _theme: Theme) -> None:
        self.call_after_refresh(self._draw)

    # What the keys do.

    def action_tab(self, name: str) -> None:
        """Show a tab by its name."""
        self.tab = name
        self._first = 0
        self._draw()

    def action_next_tab(self) -> None:
        """Show the tab to the right; after the last the first."""
        self.action_tab(NAMES[(NAMES.index(self.tab) + 1) % len(NAMES)])

    def action_previous_tab(self) -> None:
        """Show the tab to the left; before the first the last."""
        self.action_tab(NAMES[NAMES.index(self.tab) - 1])

    def action_back_up(self) -> None:
        """Scroll up by a line, or show the mistakes before these."""
        self._go(-1)

    def action_further_down(self) -> None:
        """Scroll down by a line, or show the mistakes after these."""
        self._go(1)

    def _go(self, step: int) -> None:
        if self.tab == "mistakes" and isinstance(self._tested, Outcome):
            width, height = self._room()
            most, page = len(self._tested.mistakes), tiling(width, height).images
            to = self._first + step * page
            if isinstance(self._pictures, tuple) and 0 <= to < most:
                self._first = to
                self._draw()
                return
        if self.tab == "confusion" and self._moves_matrix(step, 0):
            return
        if self.tab == "layers":
            self.query_one(LayersPage).step(step)
        elif self.tab != "curves":
            self.query_one(f"#{self._page}").scroll_relative(y=step, animate=False)

    def action_unfold(self) -> None:
        """Open or close the group of layers under the cursor."""
        if self.tab == "layers":
            self.query_one(LayersPage).toggle()

    def action_sideways(self, step: int) -> None:
        """Scroll sideways, as a matrix of many classes needs it."""
        if self.tab == "confusion" and self._moves_matrix(0, step):
            return
        self.query_one("#run-text-page").scroll_relative(x=step * 8, animate=False)

    def _moves_matrix(self, down: int, right: int) -> bool:
        """Show another part of the matrix, half a page on; whether there is more than is shown."""
        if not isinstance(self._tested, Outcome):
            return False
        material = self._material()
        rows, columns = shown_part(material, self._tested)
        if len(rows) == len(columns) == len(material.class_names):
            return False
        to = (
            rows.start + down * max(len(rows) // 2, 1),
            columns.start + right * max(len(columns) // 2, 1),
        )
        rows, columns = shown_part(replace(material, corner=to), self._tested)
        self._corner = (rows.start, columns.start)
        self._draw()
        return True

    # Drawing.

    @property
    def _page(self) -> str:
        own = {"curves", "facts", "layers"}
        return f"run-{self.tab}-page" if self.tab in own else "run-text-page"

    def _room(self) -> tuple[int, int]:
        inside = self.query_one("#run-parts").size
        return max(inside.width, 1), max(inside.height - 2, 1)

    def _draw(self) -> None:
        # A run may come before the parts that show it, or when they have gone.
        if self._run is None or not self.query("#run-layer-tree"):
            return
        width, _ = self._room()
        self.query_one("#run-tabs", Static).update(tab_lines(self.tab, width))
        for page in self.query(".run-page"):
            page.set_class(page.id == self._page, "-shown")
        if self.tab == "facts":
            text = facts_text(self._run, self._snapshot, width=width - 2)
            self.query_one("#run-facts-text", Static).update(text)
        elif self.tab == "curves":
            self.query_one(CurvesPage).show(self._snapshot)
        elif self.tab == "layers":
            self.query_one(LayersPage).show(self._snapshot)
        else:
            self.query_one("#run-text", Static).update(self._text())
            self._read_what_is_missing()

    def _material(self) -> Material:
        assert self._run is not None
        return Material(
            run=self._run,
            snapshot=self._snapshot,
            tested=self._tested,
            pictures=self._pictures,
            palette=Palette.of(self.app.theme_variables),
            width=self._room()[0] - 2,
            height=self._room()[1],
            first=self._first,
            corner=self._corner,
        )

    def _text(self) -> Content:
        material = self._material()
        if self.tab == "times":
            return times_text(material)
        if isinstance(self._tested, Outcome):
            return OF_PREDICTIONS[self.tab](material, self._tested)
        if self._tested is None:
            return Content.styled("reading the predictions…", "$muted")
        return Content.styled(self._tested, "$warning")

    # Reading.

    def _read_what_is_missing(self) -> None:
        if self._run is None or self.tab not in OF_PREDICTIONS:
            return
        is_read = isinstance(self._tested, Outcome)
        if self._tested is None or (self.tab == "mistakes" and is_read and self._pictures is None):
            self._read(self._run)

    @work(exclusive=True, group="predictions")
    async def _read(self, run: RunRecord) -> None:
        """Read the predictions; once they are there, the images of the mistakes."""
        if self._tested is None:
            tested = await asyncio.to_thread(read_tested, run)
            if run is self._run:
                self._tested = tested
        elif isinstance(self._tested, Outcome):
            pictures = await asyncio.to_thread(read_pictures, run, self._tested)
            if run is self._run:
                self._pictures = pictures
        if run is self._run:
            self._draw()
