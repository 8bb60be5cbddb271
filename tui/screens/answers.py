"""The exercise's three questions, answered from the runs of a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.panels.line_fitting import Field, fit
from tui.screens.keyed_screen import KeyedScreen
from tui.settings import keys

if TYPE_CHECKING:
    from engine.analysis.answers import Answer, Answers
    from engine.analysis.evidence import Evidence

REPORT_NAME = "report"
_MOST_REPORTS = 1_000


class AnswersScreen(KeyedScreen):
    """What was measured, separate from what may explain it; warnings where it is unfair.

    Args:
        runs_dir: the folder of runs.
        dataset: the data set whose runs are compared, if it has any.
        only: ids of the runs to compare; all of the folder where there are none.
    """

    CSS_PATH = "answers.tcss"
    BINDINGS = keys.bindings("answers")
    AUTO_FOCUS = "#answers-body"

    def __init__(self, runs_dir: Path, dataset: str = "", only: Collection[str] = ()) -> None:
        super().__init__()
        self._runs_dir = runs_dir
        self._dataset = dataset
        self._only = only
        self._answers: Answers | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="answers-head", classes="head")
        with VerticalScroll(id="answers-body"), Vertical(id="answers-page"):
            yield Static("reading the runs…", id="answers-wait")
        yield self.footer()

    def on_mount(self) -> None:
        self._read()

    def on_resize(self) -> None:
        self._draw_head()
        self.refresh_bindings()

    def footer_name(self, action: str, name: str) -> str:
        """Leave scrolling out where all is to be seen."""
        is_whole = not self.query_one("#answers-body").max_scroll_y
        return "" if action == "scroll_by(1)" and is_whole else super().footer_name(action, name)

    def action_scroll_by(self, lines: int) -> None:
        """Scroll, whatever has the focus."""
        self.query_one("#answers-body").scroll_relative(y=lines, animate=False)

    def action_turn(self, pages: int) -> None:
        """Scroll by whole pages, whatever has the focus."""
        body = self.query_one("#answers-body")
        body.scroll_relative(y=pages * body.size.height, animate=False)

    def _draw_head(self) -> None:
        whose = f"from the runs in {self._runs_dir}"
        if self._only:
            whose = (
                f"from {len(self._only)} run{'s' if len(self._only) > 1 else ''} of this session"
            )
        left = [
            Field(Content.styled("Answers", "$primary bold"), 9),
            Field(Content.styled(whose, "$muted"), 5),
        ]
        right = []
        if self._answers is not None and self._answers.warnings:
            reasons = len(self._answers.warnings)
            words = f"{reasons} warning{'s' if reasons > 1 else ''} at the end"
            right.append(Field(Content.styled(words, "$warning"), 8))
        head = fit(left, right, max(self.size.width, 20)).stylize("on $panel")
        self.query_one("#answers-head", Static).update(head)

    @work(exclusive=True, group="answers")
    async def _read(self) -> None:
        from engine.analysis.answers import answer

        self._answers = await asyncio.to_thread(answer, self._runs_dir, self._dataset, self._only)
        # A screen that closes loses its widgets before its workers are cancelled.
        if self.query("#answers-wait"):
            self._draw_head()
            await self.query_one("#answers-wait").remove()
            await self.query_one("#answers-page").mount(*parts(self._answers))
            self.refresh_bindings()

    @work(exclusive=True, group="report")
    async def action_write_report(self) -> None:
        """Write the whole report as Markdown into the current folder, replacing no file."""
        try:
            path = await asyncio.to_thread(self._write_report, Path.cwd())
        except OSError as error:
            words = f"The report cannot be written to {Path.cwd()} ({error.strerror})."
            self.notify(words, severity="error", markup=False)
        else:
            self.notify(f"The report is in {path}", markup=False)

    def _write_report(self, folder: Path) -> Path:
        from engine.analysis.evidence import gather

        return write_report(gather(self._runs_dir, self._dataset, self._only), folder)


def write_report(evidence: Evidence, folder: Path) -> Path:
    """Write the Markdown report about some runs as `report.md`, or numbered if that exists.

    Raises:
        OSError: the folder cannot be written.
    """
    from engine.report.document import report_from
    from engine.report.markdown import report_markdown

    text = report_markdown(report_from(evidence))
    for number in range(1, _MOST_REPORTS):
        path = folder / f"{REPORT_NAME}{'' if number == 1 else f'-{number}'}.md"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(0, f"{REPORT_NAME}-2.md and on are all taken")


def parts(answers: Answers) -> list[Widget]:
    """Yield the page: each question, what the runs show, what may explain it; then warnings."""
    found: list[Widget] = []
    for number, one in enumerate(answers.questions, 1):
        found += _question(number, one)
    if answers.warnings:
        found.append(_block("Where the comparison is not fair", answers.warnings, "warnings"))
    return found


def _question(number: int, answer: Answer) -> list[Widget]:
    title = Content.assemble((f"{number}  ", "$primary bold"), (answer.question, "$primary bold"))
    found: list[Widget] = [Static(title, classes="question")]
    for place, line in enumerate(answer.measured):
        style = "bold" if place == 0 else ""
        found.append(Static(Content.styled(line, style), classes="measured"))
    if answer.explanation:
        found.append(_block("What may explain it", answer.explanation, "explanation"))
    return found


def _block(title: str, sentences: tuple[str, ...], kind: str) -> Vertical:
    lines = [Static(Content(line), classes="sentence") for line in sentences]
    return Vertical(Static(title, classes="block-title"), *lines, classes=f"block {kind}")
