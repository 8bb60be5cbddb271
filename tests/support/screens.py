"""Driving and reading an app under test: waiting for a condition, reading the screen."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Static

from tui.app import CifarApp
from tui.panels.key_footer import KeyFooter
from tui.settings.themes import DARK, LIGHT

AnyPilot = Pilot[Any]
Condition = Callable[..., object]
"""A condition, called without arguments; those of a lambda in a loop have defaults."""
Until = Callable[[AnyPilot, Condition], Awaitable[None]]
MakeApp = Callable[..., CifarApp]
Running = Callable[..., AbstractAsyncContextManager[AnyPilot]]
OnScreen = Callable[..., AbstractAsyncContextManager[AnyPilot]]

LONGEST_SECONDS = 60.0
_BETWEEN_LOOKS_SECONDS = 0.01


async def until(pilot: AnyPilot, condition: Condition) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it did not hold within a minute.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"it did not come true in {LONGEST_SECONDS:.0f} s"
        await pilot.pause(_BETWEEN_LOOKS_SECONDS)


class ThemedApp(App[None]):
    """An app with only the program's themes, so that it starts at once."""

    def __init__(self) -> None:
        super().__init__()
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name


def is_open(app: App[Any], kind: type[object]) -> bool:
    """Return whether a screen of this kind is on top."""
    return isinstance(app.screen, kind)


def messages(app: App[Any]) -> list[str]:
    """Return the notifications that are still on the screen."""
    return [notification.message for notification in app._notifications]


def text_of(app: App[Any], selector: str) -> str:
    """Return the text of a part of the screen."""
    return str(app.screen.query_one(selector, Static).render())


def drawn(pilot: AnyPilot) -> list[Strip]:
    """Return the lines of the terminal."""
    return pilot.app.screen._compositor.render_strips()


def picture(pilot: AnyPilot) -> str:
    """Return the text of the terminal, without trailing blanks."""
    return "\n".join(strip.text.rstrip() for strip in drawn(pilot)) + "\n"


def _is_current(screen: Screen[Any]) -> bool:
    """Whether the footer of a screen has heard of what opened or closed over it."""
    return all(footer.entries == footer.working() for footer in screen.query(KeyFooter))


async def settled(pilot: AnyPilot, words: str) -> str:
    """Return the text of the terminal once it contains this, nothing is read, nothing changes."""
    await until(pilot, lambda: shows(pilot, words))
    await until(pilot, lambda: all(map(_is_current, pilot.app.screen_stack)))
    before, now = "", picture(pilot)
    while now != before:
        await until(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers))
        await pilot.pause()
        before, now = now, picture(pilot)
    return now


def shows(pilot: AnyPilot, words: str) -> bool:
    """Return whether a line of the terminal contains this text."""
    return any(words in line.text for line in drawn(pilot))
