"""What a session said, on a thread of its own, until the app takes it in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.protocol.events import Event

EVENTS_AT_ONCE = 250
"""Between two looks at what else waits, a key above all: a long history takes seconds."""


class Arrivals:
    """Keeps events in order; many are announced once, as a message costs more than an event.

    Args:
        announce: asks the app, from whatever thread, to take in what waits.
    """

    def __init__(self, announce: Callable[[], object]) -> None:
        self._announce = announce
        self._events: list[tuple[int, str, Event]] = []
        self._is_announced = False
        self._lock = threading.Lock()

    def put(self, index: int, run_id: str, event: Event) -> None:
        """Keep what was said of the run at place `index` of the queue; never blocks."""
        with self._lock:
            self._events.append((index, run_id, event))
            is_announced, self._is_announced = self._is_announced, True
        if not is_announced:
            self._ask()

    def take(self) -> list[tuple[int, str, Event]]:
        """The events that waited longest, and no more than delay a key unnoticed."""
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
