"""What a terminal sends that is no text, and what is left of it."""

from __future__ import annotations

import pytest
from textual import events
from textual.message import Message

from tui.terminal.background import Unread
from tui.terminal.driver import _Keyboard
from tui.terminal.input_text import InputText


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([b"a\xffb"], "ab"),
        ([b"\xe4", b"x"], "x"),
        (["ä猫".encode()], "ä猫"),
        ([b"\xc3", b"\xa4"], "ä"),
        ([b"\x1b[M \xc0\xa4q"], "\x1b[M   q"),
        ([b"\x1b[", b"M ", b"\xc3\xa4", b"\xa4"], "\x1b[M   "),
        ([b"\x1b[M !!q"], "\x1b[M !!q"),
        ([b"\x1b\x1b[M \xe4\xe4q"], "\x1b\x1b[M   q"),
        ([b"\x1b", b"\xe4[M"], "\x1b[M"),
    ],
)
def test_bytes_that_are_no_text_are_dropped(pieces: list[bytes], text: str) -> None:
    taken = InputText()
    assert "".join(map(taken.decoded, pieces)) == text


def keys(messages: list[Message]) -> list[str]:
    return [message.key for message in messages if isinstance(message, events.Key)]


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"\x1b[M#\xc3\x84", b"\x1b[99999999999u", b"\x1b[97;1:3u", b"\x1b[M \xff\xff"],
)
def test_the_key_after_what_makes_no_sense_counts(data: bytes) -> None:
    keyboard = _Keyboard(debug=False, answers=Unread().answers)
    assert keys(keyboard.messages(data + b"q")) == ["q"]
    assert keys(keyboard.messages(b"\x1b[A")) == ["up"]


def test_a_paste_is_one_message() -> None:
    (paste,) = _Keyboard(debug=False, answers=Unread().answers).messages(
        b"\x1b[200~a\xff\xc3\xa4\x1b[201~"
    )
    assert isinstance(paste, events.Paste)
    assert paste.text == "aä"
