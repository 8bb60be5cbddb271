"""The answers page: three questions, what was measured apart from what may explain it, a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from engine.analysis.answers import QUESTIONS
from engine.analysis.evidence import gather
from tests.support.screens import AnyPilot, OnScreen, messages, text_of, until
from tui.panels.key_footer import KeyFooter
from tui.screens.answers import AnswersScreen, write_report


def texts(pilot: AnyPilot, selector: str) -> list[str]:
    return [str(part.render()) for part in pilot.app.screen.query(selector).results(Static)]


@pytest.fixture
def runs_dir(write_run: Any) -> Path:
    """Two tested runs that were asked different things."""
    write_run("EfficientNetLite0", test=0.9183, train_seconds=441, epochs=3)
    write_run("CustomCNN", test=0.7310, train_seconds=64, epochs=2, image_size=32)
    folder: Path = write_run.runs_dir
    return folder


async def test_each_question_has_what_was_measured_and_apart_from_it_what_may_explain_it(
    runs_dir: Path, on_screen: OnScreen
) -> None:
    async with on_screen(AnswersScreen(runs_dir)) as pilot:
        await until(pilot, lambda: texts(pilot, ".question"))
        titles = [f"{number}  {question}" for number, question in enumerate(QUESTIONS, 1)]
        assert texts(pilot, ".question") == titles
        measured = " ".join(texts(pilot, ".measured"))
        assert "EfficientNetLite0" in measured
        assert "0.9183" in measured
        assert texts(pilot, ".explanation .sentence")
        warnings = texts(pilot, ".warnings .sentence")
        assert any("128 px" in line or "96 px" in line for line in warnings)
        head = text_of(pilot.app, "#answers-head")
        assert f"{len(warnings)} warnings at the end" in head


async def test_a_folder_without_a_tested_run_says_what_to_do(
    tmp_path: Path, on_screen: OnScreen
) -> None:
    async with on_screen(AnswersScreen(tmp_path / "none")) as pilot:
        await until(pilot, lambda: texts(pilot, ".measured"))
        assert "No run has been tested yet" in texts(pilot, ".measured")[0]
        assert not texts(pilot, ".warnings .sentence")


async def test_the_page_scrolls_and_no_line_is_too_wide(
    runs_dir: Path, on_screen: OnScreen
) -> None:
    async with on_screen(AnswersScreen(runs_dir), (40, 12)) as pilot:
        await until(pilot, lambda: texts(pilot, ".question"))
        page = pilot.app.screen.query_one("#answers-page")
        body = pilot.app.screen.query_one("#answers-body")
        for width, height in ((40, 12), (200, 60)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda width=width: 0 < page.size.width <= min(width, 96))
            await pilot.press("end")
            await until(pilot, lambda: body.scroll_y == body.max_scroll_y)
        await pilot.resize_terminal(40, 12)
        await pilot.press("home")
        await until(pilot, lambda: body.scroll_y == 0)
        pilot.app.screen.set_focus(None)
        await pilot.press("j", "down", "k")
        await until(pilot, lambda: body.scroll_y == 1)
        await pilot.press("pagedown")
        await until(pilot, lambda: body.scroll_y == 1 + body.size.height)
        entries = pilot.app.screen.query_one(KeyFooter).entries
        assert ("↑↓", "scroll") in [(entry.written, entry.name) for entry in entries]


async def test_a_key_writes_the_report_here_and_never_over_another(
    runs_dir: Path,
    on_screen: OnScreen,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.md").write_text("mine")
    async with on_screen(AnswersScreen(runs_dir)) as pilot:
        await until(pilot, lambda: texts(pilot, ".question"))
        await pilot.press("m")
        await until(pilot, (tmp_path / "report-2.md").exists)
        said = f"The report is in {tmp_path / 'report-2.md'}"
        await until(pilot, lambda: messages(pilot.app) == [said])
    assert (tmp_path / "report.md").read_text() == "mine"
    assert QUESTIONS[0] in (tmp_path / "report-2.md").read_text()


def test_the_first_report_has_the_plain_name(runs_dir: Path, tmp_path: Path) -> None:
    assert write_report(gather(runs_dir), tmp_path) == tmp_path / "report.md"
    with pytest.raises(OSError, match="No such file"):
        write_report(gather(runs_dir), tmp_path / "not-there")
