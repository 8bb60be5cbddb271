"""The log panel: lines are wrapped to its width, whatever that was when they came."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.screen import Screen

from engine.protocol.events import LogLine
from engine.state.snapshot import RunSnapshot
from tests.support.screens import OnScreen, until
from tui.panels.log import LogPanel

WORDS = " ".join(f"word{number}" for number in range(30))


class LogScreen(Screen[None]):
    """The log, and nothing else."""

    CSS = "LogPanel { width: 1fr; height: 1fr; } LogPanel.-hidden { display: none; }"

    def compose(self) -> ComposeResult:
        yield LogPanel(id="log")


def shown(run: RunSnapshot, *texts: str) -> RunSnapshot:
    lines = tuple(LogLine(level="info", text=text) for text in texts)
    return replace(run, log=lines, log_count=len(lines))


def lines(panel: LogPanel) -> list[str]:
    return [strip.text.rstrip() for strip in panel.lines]


def words(panel: LogPanel) -> list[str]:
    return [word for line in lines(panel) for word in line.split() if word.startswith("word")]


async def test_lines_are_wrapped_again_when_the_width_changes(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.snapshot = shown(run, WORDS)
        await until(pilot, lambda: len(words(panel)) == 30)
        counts = {}
        for width in (60, 100, 140, 60):
            await pilot.resize_terminal(width, 20)
            room = panel.scrollable_content_region.width
            await until(pilot, lambda room=room: len(lines(panel)[0]) <= room)
            await until(pilot, lambda room=room: max(map(len, lines(panel))) > room - 8)
            assert words(panel) == WORDS.split()
            counts[width] = len(lines(panel))
        assert counts[60] > counts[100] > counts[140]


async def test_what_came_while_it_was_hidden_is_wrapped_to_its_width(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (120, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.snapshot = shown(run, "first")
        await until(pilot, lambda: lines(panel))
        panel.add_class("-hidden")
        await until(pilot, lambda: not panel.size.width)
        panel.snapshot = shown(run, "first", WORDS)
        panel.remove_class("-hidden")
        await until(pilot, lambda: panel.size.width)
        await until(pilot, lambda: max(map(len, lines(panel)), default=0) > 100)
        assert words(panel) == WORDS.split()


async def test_lines_of_earlier_runs_stay_in_other_colours_and_widths(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.snapshot = shown(run, "of the first")
        panel.snapshot = shown(replace(run, run_id="run-1"), "of the second")
        expected = ["── run-0", "info    of the first", "── run-1", "info    of the second"]
        await until(pilot, lambda: lines(panel) == expected)
        await pilot.resize_terminal(80, 20)
        await until(pilot, lambda: panel.lines and panel.lines[0].cell_length < 80)
        assert lines(panel) == expected
        pilot.app.theme = "cifar-light"
        await pilot.pause()
        assert lines(panel) == expected


async def test_options_are_called_by_their_flags(on_screen: OnScreen, run: RunSnapshot) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.snapshot = shown(run, "choose a smaller `image_size`")
        await until(pilot, lambda: len(lines(panel)) == 2)
        assert lines(panel)[1].endswith("choose a smaller --image-size")


async def test_who_reads_further_up_stays_there(on_screen: OnScreen, run: RunSnapshot) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.snapshot = shown(run, *[WORDS] * 100)
        await until(pilot, lambda: panel.is_vertical_scroll_end and panel.scroll_y > 0)
        panel.scroll_to(y=panel.max_scroll_y // 2, animate=False)
        await until(pilot, lambda: 0.4 < panel.scroll_y / panel.max_scroll_y < 0.6)
        before = panel.max_scroll_y
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: panel.max_scroll_y > before)
        await until(pilot, lambda: 0.4 < panel.scroll_y / panel.max_scroll_y < 0.6)
        panel.scroll_end(animate=False)
        await until(pilot, lambda: panel.is_vertical_scroll_end)
        await pilot.resize_terminal(100, 20)
        await until(pilot, lambda: panel.max_scroll_y == before)
        await until(pilot, lambda: panel.is_vertical_scroll_end)
