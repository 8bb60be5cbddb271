"""A terminal that gets only the changes shows what one that gets everything shows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from terminal_screen import Look, TerminalScreen

from tui.terminal.changed_cells import ChangedCells

START, END = "\x1b[?2026h", "\x1b[?2026l"
WIDTH, HEIGHT = 12, 4
WIDE = "猫"
SEEN_ON_BLANKS = {"4=on", "7=on", "9=on"}
Update = list[tuple[tuple[int, int], list[tuple[str, str]]]]
"""Places, and what is written there: texts, each with its pen."""
pens = st.sampled_from(
    [
        "",
        "1",
        "2;31",
        "7;31",
        "38;5;59;48;5;16",
        "1;38;2;1;2;3",
        "48;2;9;8;7",
        "31;48;5;16",
        "1;4;32;41",
    ]
)
texts = st.text(st.sampled_from(" abc━●" + WIDE), min_size=1, max_size=5)
segments = st.lists(st.tuples(pens, texts), min_size=1, max_size=3)
places = st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1))
updates = st.lists(st.tuples(places, segments), min_size=1, max_size=4)


def drawn(update: Update) -> str:
    """As Textual writes it: each style is reset after its text, the cursor put back at the end."""
    parts = []
    for (row, column), line in update:
        parts.append(f"\x1b[{row + 1};{column + 1}H")
        parts += [f"\x1b[{pen}m{text}\x1b[0m" if pen else text for pen, text in line]
        parts.append("\n")
    return "".join([*parts, "\x1b[1;1H"])


def seen(screen: TerminalScreen) -> dict[tuple[int, int], Look]:
    """The cells; of a blank's pen, all if it draws a line or is reversed, else its background."""
    return {
        place: (" ", tuple(part for part in pen if part.startswith("48=")))
        if character == " " and not SEEN_ON_BLANKS & set(pen)
        else (character, pen)
        for place, (character, pen) in screen.cells.items()
    }


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(updates, st.just(None)), min_size=1, max_size=8))
def test_the_screen_looks_the_same(frames: list[Update | None]) -> None:
    everything, changes, cells = TerminalScreen(), TerminalScreen(), ChangedCells()
    for frame in frames:
        data = "\x1b[2J" if frame is None else drawn(frame)
        everything.write(data)
        changes.write(cells.reduced(data))
        assert seen(changes) == seen(everything)
        assert changes.pen == ()


def test_the_same_again_is_not_written() -> None:
    cells = ChangedCells()
    frame = drawn([((1, 2), [("38;5;59", "loss"), ("1", "0.42")])])
    assert cells.reduced(START) == ""
    assert cells.reduced(frame) == (
        f"{START}\x1b[2;3H\x1b[38;5;59mloss\x1b[0;1m0.42\x1b[m\x1b[1;1H"
    )
    assert cells.reduced(END) == END
    assert [cells.reduced(data) for data in (START, frame, END)] == ["", "", ""]


def test_one_changed_figure_costs_one_move() -> None:
    cells = ChangedCells()
    cells.reduced(drawn([((1, 2), [("38;5;59", "loss "), ("1", "0.42")])]))
    written = cells.reduced(drawn([((1, 2), [("38;5;59", "loss "), ("1", "0.41")])]))
    assert written == "\x1b[2;11H\x1b[1m1\x1b[m\x1b[1;1H"


@pytest.mark.parametrize("unknown", ["\x1b[?1049h", "\x1b[2J", "\x1bc", "\x1b[3S"])
def test_after_what_it_does_not_know_it_writes_everything(unknown: str) -> None:
    cells = ChangedCells()
    frame = drawn([((1, 2), [("1", "loss")])])
    first = cells.reduced(frame)
    assert cells.reduced(unknown) == unknown
    assert cells.reduced(frame) == first


@pytest.mark.parametrize("harmless", ["\x1b[?25l", "\x1b[?1000h", "\x1b]0;a title\x07", "\x07"])
def test_modes_titles_and_the_bell_pass_and_change_nothing(harmless: str) -> None:
    cells = ChangedCells()
    frame = drawn([((1, 2), [("1", "loss")])])
    cells.reduced(frame)
    assert cells.reduced(harmless) == harmless
    assert cells.reduced(frame) == ""


def test_after_forgetting_everything_is_written() -> None:
    cells = ChangedCells()
    frame = drawn([((1, 2), [("1", "loss")])])
    first = cells.reduced(frame)
    cells.forget()
    assert cells.reduced(frame) == first


def test_a_blank_whose_colour_alone_changes_is_not_written() -> None:
    cells = ChangedCells()
    cells.reduced(drawn([((1, 2), [("1;31;48;5;16", "  ")])]))
    assert cells.reduced(drawn([((1, 2), [("2;32;48;5;16", "  ")])])) == ""
    assert cells.reduced(drawn([((1, 2), [("4;32;48;5;16", "  ")])])) != ""
