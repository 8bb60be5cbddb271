"""Keys and pauses that end when everything has been handled.

After each key Textual's pilot sleeps until the process is idle, 40 ms at least, and mistakes a
process that waits for its turn on a busy machine for an idle one. Here a pause ends as soon as no
part of the app has a message left to handle and nothing is left to draw.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from textual import events
from textual._context import active_app
from textual.app import App, ScreenStackError
from textual.message import Message
from textual.screen import Screen

_CALM = 6
"""Idle rounds of the event loop after which a key has passed from the driver to the app."""
_LONGEST_SECONDS = 60.0


async def all_handled(*_: float) -> None:
    """Wait until the tested app has handled all messages, and those that they caused.

    Ticks of its own clocks do not count: on a busy machine the next one comes before the last is
    handled.

    Raises:
        AssertionError: it was not done within a minute.
    """
    app = active_app.get()
    calm, deadline = 0, time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(0)
        calm = 0 if _has_messages(app) else calm + 1
        if calm >= _CALM:
            if not _draws(app):
                return
            calm = 0
    raise AssertionError(f"after {_LONGEST_SECONDS:.0f} s the app has something left to handle")


def _has_messages(app: App[Any]) -> bool:
    for pump in (app, *app._registry):
        waiting: list[Message | None] = list(pump._message_queue.values)
        if pump._next_callbacks or not all(isinstance(found, events.Timer) for found in waiting):
            return True
    return False


def _draws(app: App[Any]) -> bool:
    """Draw what waits for the screen's timer; return whether there was anything."""
    try:
        screen = app.screen
    except ScreenStackError:
        return False
    if app._resize_event is not None:
        app._check_resize()  # else it waits for further resizes
        return True
    if not _is_stale(screen):
        return False
    screen._on_timer_update()
    return not _is_stale(screen)


def _is_stale(screen: Screen[Any]) -> bool:
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )
