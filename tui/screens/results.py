"""The results screen: the runs of a folder as a sortable table, one of them in full."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from engine.runs import RunRecord, load_snapshot
from tui import keys
from tui.panels.progress import Field, fit
from tui.panels.run_detail import RunDetail
from tui.panels.run_table import RunTable


@dataclass(frozen=True)
class Ranking:
    """A folder of runs, ready to show."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    runs: dict[str, RunRecord] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


def read_ranking(runs_dir: Path) -> Ranking:
    """Read and rank a folder of runs; slow the first time, as it imports pandas."""
    from engine.ranking import rank_runs
    from engine.report import legend, marks_by_run, records
    from engine.runs import list_runs

    listing = list_runs(runs_dir)
    frame = rank_runs(listing)
    runs = {run.run_id: run for run in listing.runs}
    rows = [{**row, "status": runs[row["run_id"]].state} for row in records(frame)]
    return Ranking(rows, marks_by_run(frame), legend(frame), runs, listing.broken)


LOOK_SECONDS = 5.0
"""Between two looks at the folder, so that a run that died shows it within ten seconds."""
LOOK_SHARE = 0.05
"""Of the time, at most, that the looks take."""
NAMED_MOST = 8
"""`rank` names them all, with what is wrong with each."""


class ResultsScreen(Screen[None]):
    """All runs of a folder.

    Args:
        runs_dir: the folder; it need not exist.
    """

    CSS_PATH = "results.tcss"
    BINDINGS = keys.bindings("results")
    AUTO_FOCUS = "RunTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (176, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(self, runs_dir: Path) -> None:
        super().__init__()
        self._runs_dir = runs_dir
        self._ranking: Ranking | None = None
        self._look_after = 0.0

    def compose(self) -> ComposeResult:
        yield Static(id="results-head")
        yield Static("reading runs…", id="results-note")
        with Container(id="results-body"):
            yield RunTable(id="run-table")
            yield RunDetail(id="run-detail")
        yield Static(id="results-verdict")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._show_head()
        self.action_reload()
        self.set_interval(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if self.is_current and time.monotonic() >= self._look_after:
            self._read()

    def on_resize(self) -> None:
        self._show_head()

    def on_screen_resume(self) -> None:
        if self._ranking is not None:
            self.action_reload()

    # What the keys do.

    def action_reload(self) -> None:
        """Read the folder again."""
        self._read()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.query_one(RunTable).sort_by_next()
        self._show_head()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        table = self.query_one(RunTable)
        table.sort_by(table.sort_key)
        self._show_head()

    def action_toggle_detail(self) -> None:
        """Give the room to the highlighted run, or back to the table."""
        self.toggle_class("-detail")
        self._focus_what_shows()

    def _focus_what_shows(self) -> None:
        self.query_one("#run-facts" if self.has_class("-detail") else "#run-table").focus()

    async def action_leave(self) -> None:
        """Close the detail, or go back to the screen below."""
        if self.has_class("-detail"):
            self.action_toggle_detail()
        else:
            await self.run_action("app.back")

    # What the folder holds.

    @work(exclusive=True, group="folder")
    async def _read(self) -> None:
        begun = time.monotonic()
        ranking = await asyncio.to_thread(read_ranking, self._runs_dir)
        self._look_after = time.monotonic() + (time.monotonic() - begun) / LOOK_SHARE
        if ranking == self._ranking or not self._is_there:
            return
        self._ranking = ranking
        self._show_note(ranking)
        table = self.query_one(RunTable)
        table.show(ranking.rows, ranking.marks)
        self.set_class(not ranking.rows, "-empty")
        self._show_head()
        separator = Content.styled(" · ", "$muted")
        self.query_one("#results-verdict", Static).update(
            separator.join([Content(note) for note in ranking.notes])
        )

    def _show_note(self, ranking: Ranking) -> None:
        lines = []
        if not ranking.rows:
            lines.append(
                f"No runs in {self._runs_dir} yet. Press n to choose models and train them here, "
                "or leave with q and run `cifar-tui demo`, which needs no download."
            )
        if ranking.broken:
            names = [line.split(":")[0] for line in ranking.broken]
            left = len(names) - NAMED_MOST
            more = f" and {left} more (`cifar-tui rank` names all)" if left > 0 else ""
            named = ", ".join(names[:NAMED_MOST]) + more
            lines.append(f"left out, as they cannot be read: {named}")
        note = self.query_one("#results-note", Static)
        note.update(Content("\n".join(lines)))
        note.display = bool(lines)

    def _show_head(self) -> None:
        left = [Field(Content.styled("Results", "$primary bold"), 9)]
        right = []
        if self._ranking is not None and self._ranking.rows:
            count = len(self._ranking.rows)
            runs = f"{count} run{'s' if count != 1 else ''}"
            left.append(Field(Content.styled(runs, "$foreground bold"), 8))
            left.append(Field(Content.styled(f"in {self._runs_dir}", "$muted"), 2))
            sorting = f"sorted by {self.query_one(RunTable).sorted_by}"
            right.append(Field(Content.styled(sorting, "$muted"), 5))
        head = fit(left, right, max(self.size.width, 20)).stylize("on $panel")
        self.query_one("#results-head", Static).update(head)

    @property
    def _is_there(self) -> bool:
        # A screen that is leaving loses its widgets before its workers are cancelled.
        return self.display

    # The highlighted run.

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_run(str(event.row_key.value))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_toggle_detail()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        self._show_head()

    @work(exclusive=True, group="run")
    async def _show_run(self, run_id: str) -> None:
        run = self._ranking.runs.get(run_id) if self._ranking is not None else None
        if run is None:
            return
        if self._is_there:
            self.query_one(RunDetail).show(run, None)
        snapshot = await asyncio.to_thread(load_snapshot, run)
        if self._is_there:
            self.query_one(RunDetail).show(run, snapshot)
