"""The panel of one run: its tabs, and reading what each needs once it is shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from engine.config.planning import usual_run
from engine.config.spec import RunSpec
from engine.runs.listing import RunRecord
from engine.state.snapshot import RunSnapshot
from tui.panels.run_detail.material import Material, Outcome, read_pictures, read_tested
from tui.panels.run_detail.page import RunView, view_of
from tui.panels.run_detail.palette import Palette
from tui.panels.run_detail.tabs import NAMES, tab_lines
from tui.settings import keys
from tui.settings.run_pages import RUN_PAGES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RunDetail(Container, can_focus=True):
    """The tabs of the run given to `show`; each is read and drawn only when it is shown."""

    BINDINGS = keys.bindings("detail")
    DEFAULT_CSS = """
    RunDetail {
        #run-tabs { height: 2; }
        .run-page { display: none; scrollbar-size: 1 1; }
        .run-page.-shown { display: block; }
        #run-curves-note, #run-layers-note { height: auto; color: $muted; }
        EndedTree { height: 1fr; background: $background; scrollbar-size: 1 1; }
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
        self._usual: RunSpec | None = None
        self._is_usual_read = False

    def compose(self) -> ComposeResult:
        with Vertical(id="run-parts"):
            yield Static(id="run-tabs")
            yield from map(view_of, RUN_PAGES)

    def show(self, run: RunRecord, snapshot: RunSnapshot | None) -> None:
        """Show a run; `snapshot` follows, and with it the curves, once its record has been read."""
        before = self._run
        if before is None or (before.directory, before.state) != (run.directory, run.state):
            self._tested = self._pictures = None
            for view in self.query(RunView):
                view.start()
        if before is None or before.directory != run.directory:
            self._usual, self._is_usual_read = None, False
        self.run_id, self._run, self._snapshot = run.run_id, run, snapshot
        # As `Content`, since a folder's name may look like markup.
        self.border_title = Content(f"{run.file.spec.model} · {run.run_id}")
        self._draw()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.on_resize())
        self._draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    # Actions.

    def action_tab(self, name: str) -> None:
        """Show a tab by its name, from its start."""
        self.tab = name
        if self._view is not None:
            self._view.start()
        self._draw()

    def action_turn(self, step: int) -> None:
        """Show the next tab, or the one before; beside the last is the first."""
        self.action_tab(NAMES[(NAMES.index(self.tab) + step) % len(NAMES)])

    def action_go(self, down: int, right: int) -> None:
        """Move by lines or parts, and sideways, as a matrix of many classes needs."""
        if self._view is not None:
            self._view.move(down, right)

    def action_unfold(self) -> None:
        """Open or close the group of layers under the cursor."""
        if self._view is not None:
            self._view.toggle()

    # Drawing.

    @property
    def _view(self) -> RunView | None:
        """The widget that draws the tab; None before it is mounted, or after it is removed."""
        name = f"run-{self.tab}-page"
        view = next((view for view in self.query(RunView) if view.id == name), None)
        return view if view is not None and view.children else None

    def _draw(self) -> None:
        shown = self._view
        # A run may arrive before the widgets that show it, or after they are removed.
        if self._run is None or shown is None:
            return
        inside = self.query_one("#run-parts").size
        width, height = max(inside.width, 1), max(inside.height - 2, 1)
        self.query_one("#run-tabs", Static).update(tab_lines(self.tab, width))
        for view in self.query(RunView):
            view.set_class(view is shown, "-shown")
        read = (self._run, self._snapshot, self._tested, self._pictures)
        palette = Palette.of(self.app.theme_variables)
        shown.show(Material(*read, palette, width - 2, height, self._usual))
        self._read_what_is_missing()

    # Reading.

    @work(exclusive=True, group="usual")
    async def _find_usual(self, run: RunRecord) -> None:
        """Find out which settings the user left alone, for which a recipe's file may be read."""
        usual = await asyncio.to_thread(usual_run, run.file.spec)
        if run.run_id == self.run_id:
            self._usual = usual
            self._draw()

    def _read_what_is_missing(self) -> None:
        if self._run is not None and not self._is_usual_read:
            self._is_usual_read = True
            self._find_usual(self._run)
        reads = RUN_PAGES[NAMES.index(self.tab)].reads
        if self._run is None or reads == "record":
            return
        lacks_pictures = isinstance(self._tested, Outcome) and self._pictures is None
        if self._tested is None or (reads == "pictures" and lacks_pictures):
            self._read(self._run)

    @work(exclusive=True, group="predictions")
    async def _read(self, run: RunRecord) -> None:
        """Read the predictions, and then the images of the mistakes."""
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
