"""The results screen: a folder's runs as a table, their accuracy against cost, and one in full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from engine.errors import InputError
from engine.runs.listing import load_run, load_snapshot
from tui.panels.charts.pareto import ParetoChart
from tui.panels.charts.pareto_data import COSTS
from tui.panels.run_detail.panel import RunDetail
from tui.panels.tables.models import ModelTable
from tui.panels.tables.runs import RunTable
from tui.panels.tables.virtual_table import VirtualTable
from tui.screens.first_choices import BEGINNINGS, FirstChoices
from tui.screens.keyed_screen import KeyedScreen
from tui.screens.results.actions import RunActions
from tui.screens.results.filter_line import FilterLine
from tui.screens.results.ranking import ALIVE, Ranking, read_ranking, view_of
from tui.screens.results.texts import count_words, head_line, legend_line, note_text
from tui.settings import keys
from tui.settings.option_names import as_flag

if TYPE_CHECKING:
    from engine.ranking.filter import RunFilter

LOOK_SECONDS = 5.0
"""Seconds between two reads of the folder, so that a run that died shows it within ten seconds."""
LOOK_SHARE = 0.05
"""Largest share of the time that reading the folder takes."""
_READING = ("folder", "run")
"""Groups of workers that read from the disk, which may take any time."""
SETTLE_SECONDS = 0.05
"""How long the cursor rests on a run before its record is read: a held key passes hundreds."""

_FEW_LEAVE = 12
"""Free lines below a short table that are enough for the chart."""
_NEED_FOCUS = ("right,l", "left,h", "down,j", "up,k", "shift+right", "shift+left", "u")
"""Keys of the run's panel that mean something else in the table."""
_OF_A_RUN = ("mark", "compare", "combine", "act('predict')")
_OF_THE_TABLE = ("filter", "sort", "cost")
_OF_RUNS = ("toggle_detail", "answers", *_OF_A_RUN, *_OF_THE_TABLE)
"""What the footer leaves out where it would only say that there is no run."""


class ResultsScreen(KeyedScreen):
    """All runs of a folder."""

    CSS_PATH = "results.tcss"
    BINDINGS = keys.bindings("results") + keys.bindings("detail", _NEED_FOCUS)
    AUTO_FOCUS = "RunTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (176, "-vast")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        runs_dir: Path,
        *,
        may_begin: bool = True,
        trains_here: Callable[[], bool] = lambda: False,
    ) -> None:
        """Show the runs of a folder.

        Args:
            runs_dir: the folder; it need not exist.
            may_begin: whether to offer what makes runs, where there are none.
            trains_here: returns whether a model trains in this process.
        """
        super().__init__()
        self._may_begin = may_begin
        self.runs_dir = runs_dir
        self._actions = RunActions(
            runs_dir,
            self,
            changed=self.action_reload,
            added=self._seek,
            trains_here=trains_here,
        )
        self._sought = ""
        """The id of a run that the cursor is to go to once it is listed."""
        self._ranking: Ranking | None = None
        self._filter: RunFilter | None = None
        self._filter_text = ""
        self._cost = COSTS[0]
        self._look_after = 0.0

    def compose(self) -> ComposeResult:
        yield Static(id="results-head", classes="head")
        yield Static("reading runs…", id="results-note")
        with Container(id="results-body"):
            yield RunTable(id="run-table")
            yield ModelTable(id="model-table")
            with Horizontal(id="results-lower"):
                yield ParetoChart(id="pareto")
                yield RunDetail(id="run-detail")
        yield FilterLine(id="results-filter")
        yield Static(id="results-legend")
        yield self.footer()

    def on_mount(self) -> None:
        self._show_texts()
        self.action_reload()
        self.set_interval(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        # Starting a read cancels a running one, so that a slow one would never finish.
        if any(worker.group in _READING for worker in self.workers if worker.is_running):
            return
        if self.is_current and time.monotonic() >= self._look_after:
            self.action_reload()

    def on_resize(self) -> None:
        self._show_texts()
        self._use_free_lines()
        self.call_after_refresh(self._show_current_run)

    def on_screen_resume(self) -> None:
        if self._ranking is not None:
            self.action_reload()

    # The table.

    @property
    def _table(self) -> VirtualTable:
        kind = ModelTable if self._is_grouped else RunTable
        return self.query_one(kind)

    @property
    def _is_grouped(self) -> bool:
        return self.has_class("-grouped")

    @property
    def current_run(self) -> str | None:
        """The id of the run under the cursor; None if there is none."""
        return None if self._is_grouped else self.query_one(RunTable).current_key

    @property
    def marked_runs(self) -> tuple[str, ...]:
        """Ids of the marked runs."""
        return self.query_one(RunTable).marked

    # Actions on runs.

    def action_compare(self) -> None:
        """Compare the marked runs, or the marked one with the current one."""
        self._actions.compare(self.marked_runs, self.current_run)

    def action_combine(self) -> None:
        """Combine the marked runs, or the marked one with the current one, into a new run."""
        self._actions.combine(self.marked_runs, self.current_run)

    def action_answers(self) -> None:
        """Answer the exercise's questions, for the data set of the row under the cursor."""
        from tui.screens.answers import AnswersScreen

        row = self._table.current_row
        dataset = str(row["dataset"]) if row is not None else ""
        self.app.push_screen(AnswersScreen(self.runs_dir, dataset))

    def action_act(self, name: str) -> None:
        """Do one of the actions on runs to the current run."""
        self._actions.act(name, self.current_run)

    # Actions on what is shown.

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._table.action_sort()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self._table.action_turn_order()

    def action_mark(self) -> None:
        """Mark the current run, or unmark it."""
        if self._actions.has_run(self.current_run):
            self.query_one(RunTable).toggle_mark()
            self._show_texts()
            self.refresh_bindings()

    def action_group(self) -> None:
        """Show one line per model, or the runs again."""
        self.toggle_class("-grouped")
        self.remove_class("-detail")
        self._update_view()
        self.call_after_refresh(self._focus_what_shows)

    def action_cost(self) -> None:
        """Show the chart, or plot accuracy against the next cost."""
        is_shown = self.has_class("-chart") or self.has_class("-few") or self._is_large
        if is_shown and not self.has_class("-detail"):
            self._cost = COSTS[(COSTS.index(self._cost) + 1) % len(COSTS)]
        self.remove_class("-detail")
        self.set_class(not self._is_large, "-chart")
        self._update_view()
        self.call_after_refresh(self._focus_what_shows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow all but a slash typed into the filter, and sorting behind a run in full."""
        if action in ("sort", "reverse"):
            return not self.has_class("-detail")
        return action != "filter" or not isinstance(self.focused, Input)

    def footer_name(self, action: str, name: str) -> str:
        """Leave out what needs a run where there is none, or a table where it is hidden."""
        is_empty = self.has_class("-empty")
        if action == "app.new_session":
            return name if is_empty else ""
        if action in _OF_RUNS and (is_empty or (action in _OF_A_RUN and self._is_grouped)):
            return ""
        if action == "combine":
            return name if self.marked_runs else ""
        if action == "toggle_detail":
            return "" if self.has_class("-detail") else "runs" if self._is_grouped else name
        return "" if action in _OF_THE_TABLE and self.has_class("-detail") else name

    def action_filter(self) -> None:
        """Open the filter's line."""
        self.query_one(FilterLine).open()

    @on(VirtualTable.Opened)
    def action_toggle_detail(self) -> None:
        """Expand the highlighted run, or return to the table; for a model, show its runs."""
        if self._is_grouped:
            group = self._table.current_row
            if group is not None:
                asked = f'model:"={group["model"]}" dataset:"={group["dataset"]}"'
                self.query_one(FilterLine).write(asked)
                self.action_group()
            return
        self.toggle_class("-detail")
        self._show_texts()
        self.call_after_refresh(self._focus_what_shows)
        self.call_after_refresh(self._show_current_run)

    def action_tab(self, name: str) -> None:
        """Show a tab of the current run, opening its panel if it is hidden."""
        if self._is_grouped or not self._actions.has_run(self.current_run):
            return
        detail = self.query_one(RunDetail)
        detail.action_tab(name)
        if not (detail.display and self.query_one("#results-lower").display):
            self.action_toggle_detail()

    @on(FilterLine.Closed)
    def _focus_what_shows(self) -> None:
        if not self._is_there:
            return
        self.refresh_bindings()
        if not self.has_class("-detail"):
            self._table.focus()
            return
        detail = self.query_one(RunDetail)
        inside = (it for it in self.focus_chain if detail in it.ancestors_with_self)
        first = next(inside, None)
        if first is not None:
            first.focus()

    async def action_leave(self) -> None:
        """Close what was opened last, or return to the screen below."""
        if self.has_class("-detail"):
            self.action_toggle_detail()
        elif self.has_class("-chart") and not self._is_large:
            self.remove_class("-chart")
            self._show_texts()
        elif self._is_grouped:
            self.action_group()
        elif self._filter_text:
            self.query_one(FilterLine).write("")
        else:
            await self.run_action("app.back")

    # The filter.

    @on(Input.Changed, "#filter-text")
    def _read_filter(self, event: Input.Changed) -> None:
        from engine.ranking.filter import parse_filter

        event.stop()
        line = self.query_one(FilterLine)
        try:
            wanted = parse_filter(event.value) if event.value.strip() else None
        except InputError as error:
            line.say(error.line(as_flag))
            return
        line.say("")
        self._filter_text, self._filter = event.value.strip(), wanted
        self._update_view()

    # Reading the folder.

    @work(exclusive=True, group="folder")
    async def action_reload(self) -> None:
        """Read the folder again."""
        begun = time.monotonic()
        ranking = await asyncio.to_thread(read_ranking, self.runs_dir)
        is_new = await asyncio.to_thread(lambda: ranking != self._ranking)
        self._look_after = time.monotonic() + (time.monotonic() - begun) / LOOK_SHARE
        if not self._is_there:
            return
        if not is_new:
            self._follow_current_run()
            self._go_to_sought()
            return
        self._ranking = ranking
        text = note_text(ranking, self.runs_dir, offers=self._may_begin)
        note = self.query_one("#results-note", Static)
        note.update(Content(text))
        note.display = bool(text)
        self._offer_beginnings(is_empty=not ranking.rows)
        self.query_one(RunTable).show(ranking.rows, ranking.marks)
        self._show_texts()
        self._update_view()

    def _offer_beginnings(self, *, is_empty: bool) -> None:
        """Offer, where there are no runs, what makes some."""
        if is_empty == self.has_class("-empty"):
            return
        self.set_class(is_empty, "-empty")
        if is_empty and self._may_begin:
            choices = FirstChoices(self.runs_dir, BEGINNINGS)
            self.mount(choices, after="#results-note")
            choices.focus()
        elif not is_empty:
            self.query(FirstChoices).remove()
            self._focus_what_shows()

    @work(exclusive=True, group="view")
    async def _update_view(self) -> None:
        ranking = self._ranking
        if ranking is None:
            return
        view = await asyncio.to_thread(
            view_of, ranking, self._filter, self._cost, by_model=self._is_grouped
        )
        if not self._is_there:
            return
        self.query_one(RunTable).show_only(view.only)
        if self._is_grouped:
            self.query_one(ModelTable).fill(view.models)
        self.query_one(ParetoChart).show(view.pareto, ranking.marks)
        self._show_texts()
        self._use_free_lines()
        self.refresh_bindings()
        self._go_to_sought()

    def _seek(self, run_id: str) -> None:
        """Move the cursor to a run that is new, once it is listed."""
        self._sought = run_id
        if self._is_grouped:
            self.action_group()
        self.action_reload()

    def _go_to_sought(self) -> None:
        if not self._sought or self._ranking is None or self._ranking.row(self._sought) is None:
            return
        if self.query_one(RunTable).go_to_key(self._sought):
            self._sought = ""
        elif self._filter_text:  # it hides what is sought
            self.query_one(FilterLine).write("")

    def _use_free_lines(self) -> None:
        """Show the chart on a small terminal too, where few runs leave room for it."""
        around = len(("head", "titles of the table", "legend", "footer"))
        free = self.size.height - around - self._table.row_count
        self.set_class(not self._is_large and free >= _FEW_LEAVE, "-few")

    @on(VirtualTable.Sorted)
    def _show_texts(self) -> None:
        """Write the head, and what the marks mean."""
        total = len(self._ranking.rows) if self._ranking is not None else 0
        shown = self.query_one(RunTable).row_count
        line = head_line(
            self._ranking,
            self.runs_dir,
            count=count_words(total, shown, by_model=self._is_grouped),
            wanted=self._filter_text,
            marked=len(self.marked_runs),
            order=self._table.sorted_by,
            width=self.size.width,
        )
        self.query_one("#results-head", Static).update(line)
        if self._ranking is not None:
            rows = self.query_one(RunTable).rows if self._shows_runs else ()
            legend = legend_line(rows, self._ranking.marks, self.size.width - 2)
            self.query_one("#results-legend", Static).update(legend)

    @property
    def _shows_runs(self) -> bool:
        """Whether the runs are shown as rows or as points, with their marks."""
        has_chart = self._is_large or self.has_class("-chart") or self.has_class("-few")
        return not self.has_class("-detail") and (has_chart or not self._is_grouped)

    @property
    def _is_large(self) -> bool:
        """Whether table, chart and run fit side by side."""
        return self.has_class("-tall") and not self.has_class("-narrow")

    @property
    def _is_there(self) -> bool:
        # A screen that closes loses its widgets before its workers are cancelled.
        return self.display

    # The highlighted run.

    def _follow_current_run(self) -> None:
        row = self._ranking.row(self.current_run) if self._ranking is not None else None
        if row is not None and row["status"] in ALIVE:
            self._show_current_run()

    @on(VirtualTable.Highlighted)
    def _show_current_run(self) -> None:
        run_id = self.current_run
        if not self._is_there or run_id is None:
            return
        self.query_one(ParetoChart).light(run_id)
        if self.query_one("#results-lower").display and self.query_one(RunDetail).display:
            self._show_run(run_id)

    @work(exclusive=True, group="run")
    async def _show_run(self, run_id: str) -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        try:
            run = await asyncio.to_thread(load_run, self.runs_dir / run_id)
        except InputError:  # it was removed, or is being written: the next read shows it
            return
        if self._is_there and self.query_one(RunDetail).run_id != run_id:
            self.query_one(RunDetail).show(run, None)
        snapshot = await asyncio.to_thread(load_snapshot, run)
        if self._is_there:
            self.query_one(RunDetail).show(run, snapshot)
