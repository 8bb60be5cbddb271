"""Asking a real pseudo-terminal for its background: what it says, and what is typed meanwhile."""

from __future__ import annotations

import os
import pty
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from textual import events
from textual.message import Message

from tui.terminal.background import (
    HALF_SECONDS,
    QUESTION,
    WAIT_SECONDS,
    Answers,
    Unread,
    ask,
    background_is_light,
    said_by_environment,
    take_unread,
)
from tui.terminal.capabilities import look
from tui.terminal.driver import BackgroundTold, _Keyboard

LIGHT, DARK = b"\x1b]11;rgb:ffff/fbfb/f0f0\x1b\\", b"\x1b]11;rgb:10/14/1a\x07"
LAST = b"\x1b[?64;1;2c"
"""What every terminal answers to the second question."""
Terminal = tuple[int, int]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """Both ends of a pseudo-terminal: that of the person, and that of the program."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def answered(terminal: Terminal, answer: bytes, typed: bytes = b"") -> Unread:
    """Ask a terminal on which this was typed before, and which answers the question so."""
    person, program = terminal
    os.write(person, typed)

    def reply() -> None:
        asked = b""
        while not asked.endswith(QUESTION):
            asked += os.read(person, 100)
        os.write(person, answer)

    person_there = threading.Thread(target=reply)
    person_there.start()
    found = ask(program, program, clock=lambda: 0.0)
    person_there.join()
    return found


@pytest.mark.parametrize(
    ("answer", "is_light"),
    [(LIGHT + LAST, True), (DARK + LAST, False), (b"\x1b]11;pink\x07" + LAST, None), (LAST, None)],
)
def test_a_terminal_says_its_background_or_that_it_will_not(
    terminal: Terminal, answer: bytes, is_light: bool | None
) -> None:
    before = termios.tcgetattr(terminal[1])
    found = answered(terminal, answer)
    assert (found.answers.is_light, found.answers.is_over, found.typed) == (is_light, True, b"")
    assert termios.tcgetattr(terminal[1]) == before


def test_keys_typed_before_and_between_the_answers_are_kept(terminal: Terminal) -> None:
    found = answered(terminal, b"j" + LIGHT + "ä".encode() + LAST + b"\x1b[A", typed=b"ab")
    assert found.answers.is_light
    assert found.typed == b"abj" + "ä".encode() + b"\x1b[A"


def test_a_terminal_that_does_not_answer_is_not_waited_for(terminal: Terminal) -> None:
    seconds = iter((10.0, 10.1, 10.0 + WAIT_SECONDS))
    os.write(terminal[0], b"q")
    before = termios.tcgetattr(terminal[1])
    found = ask(terminal[1], terminal[1], clock=lambda: next(seconds))
    assert (found.answers.is_light, found.answers.is_over, found.typed) == (None, False, b"q")
    # What comes late, before the screen opens, is not echoed.
    assert not termios.tcgetattr(terminal[1])[3] & termios.ECHO
    found.restore()
    assert termios.tcgetattr(terminal[1]) == before
    assert not list(seconds)


def test_the_terminal_is_restored_if_asking_fails(terminal: Terminal) -> None:
    def fails() -> float:
        raise KeyboardInterrupt

    before = termios.tcgetattr(terminal[1])
    with pytest.raises(KeyboardInterrupt):
        ask(terminal[1], terminal[1], clock=fails)
    assert termios.tcgetattr(terminal[1]) == before


def test_a_terminal_that_goes_before_it_is_asked_says_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise termios.error(5, "Input/output error")

    monkeypatch.setattr(termios, "tcsetattr", gone)
    assert ask(terminal[1], terminal[1]) == Unread()


def test_what_is_no_terminal_is_not_asked() -> None:
    for end in os.pipe():
        assert ask(end, end) == Unread()
        os.close(end)


def keys(messages: list[Message]) -> list[str]:
    return [message.key for message in messages if isinstance(message, events.Key)]


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
def test_a_late_answer_is_no_key(size: int) -> None:
    keyboard = _Keyboard(debug=False, answers=Answers())
    data = b"x" + LIGHT + b"\x1b[Ay" + LAST + b"z"
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert keys([key for piece in pieces for key in keyboard.messages(piece)]) == [
        *"x",
        "up",
        *"yz",
    ]


def test_half_an_answer_waits_for_its_rest_and_is_dropped_in_the_end() -> None:
    now = 10.0
    keyboard = _Keyboard(debug=False, answers=Answers(clock=lambda: now))
    half = len(LIGHT) // 2
    assert keys(keyboard.messages(b"x" + LIGHT[:half])) == ["x"]
    now += 0.9 * HALF_SECONDS
    assert keyboard.waited() == []
    (told,) = keyboard.messages(LIGHT[half:])
    assert isinstance(told, BackgroundTold)
    assert told.is_light

    assert keyboard.messages(DARK[:half]) == []
    now += HALF_SECONDS
    assert keyboard.waited() == []
    assert keys(keyboard.messages(b"r")) == ["r"]


@pytest.mark.parametrize("length", range(3, len(LIGHT)))
def test_what_comes_instead_of_the_rest_of_an_answer_counts(length: int) -> None:
    keyboard = _Keyboard(debug=False, answers=Answers())
    pieces = (LIGHT[:length].removesuffix(b"\x1b"), b"\x1b[A", LAST + b"q")
    found = [message for piece in pieces for message in keyboard.messages(piece)]
    assert keys(found) == ["up", "q"]


def test_escape_is_a_key_though_an_answer_may_come() -> None:
    keyboard = _Keyboard(debug=False, answers=Answers())
    assert keys(keyboard.messages(b"\x1b")) == []
    found: list[str] = []
    while not found:
        found = keys(keyboard.waited())
    assert found == ["escape"]


@pytest.mark.parametrize(
    ("environment", "is_light"),
    [
        ({}, None),
        ({"COLORFGBG": "0;15"}, True),
        ({"COLORFGBG": "0;default;7"}, True),
        ({"COLORFGBG": "15;default;0"}, False),
        ({"COLORFGBG": "7;8"}, False),
        ({"COLORFGBG": "15;default"}, None),
        ({"COLORFGBG": "nonsense;99"}, None),
    ],
)
def test_the_environment_may_say_it(environment: Mapping[str, str], is_light: bool | None) -> None:
    assert said_by_environment(environment) is is_light
    nobody = replace(look({}), is_there=False)
    assert background_is_light(nobody, environment) is is_light
    assert take_unread() == Unread()


@pytest.mark.parametrize("name", ["", "dumb", "linux", "vt220", "eterm-color"])
def test_some_terminals_would_show_the_question(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Callable[..., Unread]] = []
    monkeypatch.setattr("tui.terminal.background.ask", asked.append)
    assert background_is_light(replace(look({}), is_there=True, name=name), {}) is None
    assert not asked
