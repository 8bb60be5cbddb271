"""The log panel: lines are wrapped to its width, whatever that was when they came."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen

from engine.protocol.events import LogLine
from engine.state.snapshot import RunSnapshot
from tests.support.screens import OnScreen, shows, until
from tui.panels.log import Log, LogPanel, Said

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
        panel.snapshot = shown(run, *(f"{number} {WORDS}" for number in range(100)))
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


CUDA = "cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)"
OFTEN = [f"E0000 00:00:17960437{second}.026   23847 {CUDA}" for second in (89, 93, 96)]


def logged(run: RunSnapshot, *lines: LogLine) -> RunSnapshot:
    return replace(run, log=lines, log_count=len(lines))


async def test_what_libraries_print_is_shown_on_request(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (120, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        said = LogLine(level="info", text="checkpoint saved")
        debug = [LogLine(level="debug", text=text) for text in (*OFTEN, "oneDNN is on")]
        panel.snapshot = logged(run, *debug[:2], said, *debug[2:])
        await until(pilot, lambda: len(lines(panel)) == 2)
        assert lines(panel)[1] == "info    checkpoint saved"
        assert panel.border_subtitle == "2 debug lines hidden · v shows them"
        assert panel.told == 1
        panel.shows_debug = True
        await until(pilot, lambda: len(lines(panel)) == 4)
        assert lines(panel)[2:] == [f"debug   {OFTEN[2]}  ×3", "debug   oneDNN is on"]
        assert panel.border_subtitle == "v hides 2 debug lines"
        assert panel.told == 3
        panel.shows_debug = False
        await until(pilot, lambda: len(lines(panel)) == 2)


async def test_debug_lines_asked_for_before_the_log_was_ever_open(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.add_class("-hidden")
        await pilot.pause()
        panel.snapshot = logged(run, LogLine(level="debug", text="oneDNN is on"))
        panel.shows_debug = True
        panel.remove_class("-hidden")
        await until(pilot, lambda: "debug   oneDNN is on" in lines(panel))


async def test_a_message_said_again_stands_last_and_is_counted(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.snapshot = shown(run, "disk full", "checkpoint saved")
        await until(pilot, lambda: len(lines(panel)) == 3)
        panel.snapshot = shown(run, "disk full", "checkpoint saved", "disk full")
        await until(pilot, lambda: lines(panel)[-1] == "info    disk full  ×2")
        assert len(lines(panel)) == 3
        assert panel.told == 2


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ("I0000 00:00:17.608   23847 port.cc:153] on", "I0000 00:00:18.1   77 port.cc:153] on", 1),
        ("2026-11-30 13:03:09.608: W cpu.cc:1] x", "2026-11-30 13:04:00.1: W cpu.cc:1] x", 1),
        ("buffer at 0x7f12ab lost", "buffer at 0x55aa lost", 1),
        ("epoch 1 took 3 s", "epoch 2 took 3 s", 2),
        ("port.cc:153] on", "port.cc:154] on", 2),
    ],
)
def test_only_time_thread_and_address_may_differ_in_what_is_the_same(
    run: RunSnapshot, first: str, second: str, count: int
) -> None:
    log = Log()
    assert len(log.take(shown(run, first, second))) == 1 + count
    assert [said.count for said in log] == ([1, 2] if count == 1 else [1, 1, 1])


def test_a_count_that_missed_lines_says_that_it_is_the_least(run: RunSnapshot) -> None:
    log = Log()
    said = shown(run, *["disk full"] * 3, "checkpoint saved")
    log.take(said)
    assert [entry.times for entry in log] == ["", "×3", ""]
    log.take(replace(said, log_count=5_000))
    assert [entry.times for entry in log] == ["", "×6+", "×2+"]


async def test_the_newest_line_is_in_view_and_followed_unless_the_user_scrolls_up(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        panel.add_class("-hidden")
        await pilot.pause()
        said = [f"line {number}" for number in range(50)]
        panel.snapshot = shown(run, *said)
        panel.remove_class("-hidden")
        await until(pilot, lambda: shows(pilot, "line 49"))
        assert panel.is_vertical_scroll_end
        said.append("line 50")
        panel.snapshot = shown(run, *said)
        await until(pilot, lambda: shows(pilot, "line 50"))
        panel.scroll_home(animate=False)
        await until(pilot, lambda: shows(pilot, "line 0"))
        said += ["line 51", "line 7"]
        panel.snapshot = shown(run, *said)
        await until(pilot, lambda: lines(panel)[-1].endswith("line 7  ×2"))
        await pilot.pause()
        assert panel.scroll_y == 0
        panel.scroll_end(animate=False)
        await until(pilot, lambda: shows(pilot, "line 51"))
        said.append("line 52")
        panel.snapshot = shown(run, *said)
        await until(pilot, lambda: shows(pilot, "line 52"))


async def test_a_repeated_line_draws_itself_alone_and_hidden_nothing(
    on_screen: OnScreen, run: RunSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        said = [f"line {number}" for number in range(50)]
        panel.snapshot = shown(run, *said)
        await until(pilot, lambda: len(lines(panel)) == 51)
        drawn: list[str] = []
        styled = panel._styled

        def counted(entry: Said) -> Text:
            assert isinstance(entry.line, LogLine)
            drawn.append(entry.line.text)
            return styled(entry)

        monkeypatch.setattr(panel, "_styled", counted)
        said.append("line 3")
        panel.snapshot = shown(run, *said)
        await until(pilot, lambda: lines(panel)[-1].endswith("line 3  ×2"))
        assert drawn == ["line 3"]
        panel.add_class("-hidden")
        await until(pilot, lambda: not panel.size.width)
        said += ["line 4", "line 4"]
        panel.snapshot = shown(run, *said)
        await pilot.pause()
        assert drawn == ["line 3"]
        panel.remove_class("-hidden")
        await until(pilot, lambda: lines(panel)[-1].endswith("line 4  ×3"))
        assert drawn == ["line 3", "line 4"]


async def test_what_a_terminal_would_obey_is_not_drawn(
    on_screen: OnScreen, run: RunSnapshot
) -> None:
    async with on_screen(LogScreen(), (100, 20)) as pilot:
        panel = pilot.app.screen.query_one(LogPanel)
        raw = "\x1b[31mred\x1b[0m \x00 \x7f \x9b1m \u202eback\tnext\nline"
        panel.snapshot = shown(run, raw)
        await until(pilot, lambda: len(lines(panel)) == 3)
        assert lines(panel)[1].split() == ["info", "red", "?", "?", "?back", "next"]
        assert lines(panel)[2] == "line"
        assert all(strip.text.isprintable() for strip in panel.lines)


def test_each_run_has_messages_of_its_own(run: RunSnapshot) -> None:
    log = Log()
    log.take(shown(run, "same"))
    log.take(shown(replace(run, run_id="run-1"), "same"))
    assert [said.count for said in log] == [1] * 4
    assert isinstance(next(iter(log)), Said)
