"""A session's events, from the trainer's thread until the app takes them in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.protocol.events import Event

EVENTS_AT_ONCE = 250
"""How long events are taken in before the app looks for keys: a long history takes seconds."""


class Arrivals:
    """Keeps events in order; announces many at once, as a message costs more than an event.

    Args:
        announce: asks the app, from any thread, to take in the waiting events.
    """

    def __init__(self, announce: Callable[[], object]) -> None:
        self._announce = announce
        self._events: list[tuple[int, str, Event]] = []
        self._is_announced = False
        self._lock = threading.Lock()

    def put(self, index: int, run_id: str, event: Event) -> None:
        """Keep an event of the run at place `index` of the queue; never blocks."""
        with self._lock:
            self._events.append((index, run_id, event))
            is_announced, self._is_announced = self._is_announced, True
        if not is_announced:
            self._ask()

    def take(self) -> list[tuple[int, str, Event]]:
        """Take the oldest events, only as many as delay a key unnoticeably."""
        with self._lock:
            taken = self._events[:EVENTS_AT_ONCE]
            del self._events[:EVENTS_AT_ONCE]
            is_left = self._is_announced = bool(self._events)
        if is_left:
            self._ask()
        return taken

    def _ask(self) -> None:
        # The trainer must not fail because the app's event loop was closed just now.
        with suppress(RuntimeError):
            self._announce()
