"""Whether the terminal's background is light: asked of the terminal, else read from `COLORFGBG`.

The question is OSC 11, and after it DA1, which every terminal answers, and in order: where only the
second is answered, the first will not be. Where neither is within `WAIT_SECONDS`, as over a slow
line, the answers may still come: the terminal then stays without echo until the screen is open, and
`Answers` takes them out of what the app reads. What is typed meanwhile is kept for the app. Light:
asking costs no import.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tui.terminal.capabilities import Terminal, current

WAIT_SECONDS = 0.2
HALF_SECONDS = 2.0
"""How long half an answer is waited on for its rest."""
QUESTION = b"\x1b]11;?\x1b\\\x1b[c"
_DEAF = ("linux", "vt", "ansi", "cons25", "sun", "eterm")
"""Starts of the names of terminals that would show the question, or have one background only."""
_ANSWER = re.compile(rb"\x1b\]11;([^\x07\x1b]*)(?:\x07|\x1b\\)|\x1b\[\?[\d;]*c")
_BEGUN = re.compile(rb"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]*\x1b?)?)?)?|\[(?:\?[\d;]*)?)?\Z")
_BROKEN = re.compile(rb"\x1b\]11?(?:;[^\x07\x1b]*)?(?=\x1b[^\\])")
"""Half an answer whose rest does not come: something else begins."""
_COLOUR = re.compile(rb"(?:rgba?:)([\da-f]{1,4})/([\da-f]{1,4})/([\da-f]{1,4})", re.IGNORECASE)
_DARK_COLOURS = frozenset(map(str, (*range(7), 8)))
"""Of the sixteen, as `COLORFGBG` numbers them."""
_MOST_BYTES = 4_096


@dataclass(slots=True)
class Answers:
    """Takes the answers out of a terminal's input, piece by piece."""

    is_light: bool | None = None
    """What the terminal said of its background; None while it has not."""
    is_over: bool = False
    """Whether all has been answered: nothing is taken out any more."""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    """Seconds."""
    _held: bytes = field(default=b"", repr=False)
    _held_since: float = field(default=0.0, repr=False)

    def rest(self, data: bytes) -> bytes:
        """Return the next input without answers; what may begin one is held back."""
        before, data, self._held, others = self._held, self._held + data, b"", b""
        if not self.is_over:
            data = _BROKEN.sub(b"", data)
        while not self.is_over and (found := _ANSWER.search(data)):
            others += data[: found.start()]
            data = data[found.end() :]
            if found[1] is None:
                self.is_over = True
            elif self.is_light is None:
                self.is_light = _is_light(found[1])
        if not self.is_over and (begun := _BEGUN.search(data)):
            data, self._held = data[: begun.start()], data[begun.start() :]
            if not before or others or data:
                self._held_since = self.clock()
        return others + data

    def released(self) -> bytes:
        """Return the key escape, if it was held back; to be called when nothing came for a moment.

        What is more than this key is half an answer, which is dropped in the end.
        """
        if len(self._held) > 1 and self.clock() - self._held_since < HALF_SECONDS:
            return b""
        held, self._held = self._held, b""
        return held if len(held) == 1 else b""


def _nothing() -> None:
    """Nothing is to be restored."""


Attributes = list[Any]
"""Of a terminal, as `termios` has them."""


@dataclass(slots=True)
class Unread:
    """What the question leaves to whoever reads the keyboard next."""

    typed: bytes = b""
    answers: Answers = field(default_factory=lambda: Answers(is_over=True))
    """Takes out those that are still to come."""
    before: Attributes | None = None
    """The terminal's attributes before the question, where it was left without echo."""
    restore: Callable[[], None] = _nothing
    """Lets the terminal echo again, if it was left without."""


_unread = Unread()


def take_unread() -> Unread:
    """Return what the last question left, echo still off; the next call finds nothing."""
    global _unread
    taken, _unread = _unread, Unread()
    return taken


def background_is_light(
    terminal: Terminal | None = None, environment: Mapping[str, str] | None = None
) -> bool | None:
    """Find out whether the background is light; None where nothing tells.

    Args:
        terminal: which may be asked; None for that of this process.
        environment: with `COLORFGBG`; None for that of this process.
    """
    global _unread
    terminal = current() if terminal is None else terminal
    if _answers_questions(terminal) and sys.__stdin__ is not None and sys.__stderr__ is not None:
        with suppress(OSError, ValueError):
            keyboard = sys.__stdin__.fileno()
            # Not in the background of its shell, which would stop who asks.
            if os.tcgetpgrp(keyboard) == os.getpgrp():
                _unread = ask(keyboard, sys.__stderr__.fileno())
    if _unread.answers.is_light is not None:
        return _unread.answers.is_light
    return said_by_environment(os.environ if environment is None else environment)


def ask(keyboard: int, display: int, clock: Callable[[], float] = time.monotonic) -> Unread:
    """Ask the terminal, and wait for its answers, at most `WAIT_SECONDS`.

    Args:
        keyboard: the descriptor that is read.
        display: the descriptor that the question is written to.
        clock: seconds.

    Returns:
        What it said, and what else was read; nothing of what is no terminal, or has gone. Only
        where answers may still come is the terminal left without echo, until `restore` is called.
    """
    try:
        import termios
    except ImportError:  # not a Unix
        return Unread()
    try:
        before = termios.tcgetattr(keyboard)
    except termios.error:
        return Unread()

    def restore() -> None:
        with suppress(termios.error):  # it may have gone
            termios.tcsetattr(keyboard, termios.TCSANOW, before)

    quiet = [*before[:6], [*before[6]]]
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
    unread = Unread(answers=Answers())
    try:
        termios.tcsetattr(keyboard, termios.TCSANOW, quiet)
    except termios.error:
        return Unread()
    try:
        os.write(display, QUESTION)
        _read_answers(keyboard, unread, clock)
        if not unread.answers.is_over:
            unread.before, unread.restore = before, restore
    finally:
        if unread.restore is not restore:
            restore()
    return unread


def _read_answers(keyboard: int, unread: Unread, clock: Callable[[], float]) -> None:
    deadline = clock() + WAIT_SECONDS
    while not unread.answers.is_over:
        left = deadline - clock()
        if left <= 0 or not select.select([keyboard], [], [], left)[0]:
            return
        data = os.read(keyboard, _MOST_BYTES)
        if not data:
            return  # it has gone
        unread.typed += unread.answers.rest(data)


def said_by_environment(environment: Mapping[str, str]) -> bool | None:
    """Read `COLORFGBG`, such as `15;0` or `0;default;15`; None where it says nothing."""
    number = environment.get("COLORFGBG", "").rpartition(";")[2]
    return number not in _DARK_COLOURS if number.isdecimal() and int(number) < 16 else None


def _answers_questions(terminal: Terminal) -> bool:
    return terminal.shows_screens and bool(terminal.name) and not terminal.name.startswith(_DEAF)


def _is_light(colour: bytes) -> bool | None:
    found = _COLOUR.match(colour)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / int("f" * len(part), 16) for part in found.groups())
    return 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
