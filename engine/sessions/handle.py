"""What a front end may do with a session, wherever its events come from."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from engine.config.spec import RunSpec
from engine.protocol.commands import Command
from engine.protocol.events import Event

Sink = Callable[[int, str, Event], None]
"""Takes (place in the queue from 0, run id, event) on the thread that emits; must not block."""


class SessionHandle(ABC):
    """A thread that emits the events of a queue of runs; UI tests use a fake one."""

    def __init__(self, thread: str, *, is_daemon: bool = True) -> None:
        self._sinks: list[Sink] = []
        self._thread = threading.Thread(target=self._work, name=thread, daemon=is_daemon)

    @property
    @abstractmethod
    def specs(self) -> tuple[RunSpec, ...]:
        """What the queue holds now, in order."""

    @property
    def is_alive(self) -> bool:
        """Whether its thread still runs, and events may come."""
        return self._thread.is_alive()

    def add_sink(self, sink: Sink) -> None:
        """Send events to `sink` from now on."""
        self._sinks.append(sink)

    def start(self) -> None:
        """Start its thread."""
        self._thread.start()

    @abstractmethod
    def send(self, command: Command) -> None:
        """Send a command to the current run; never blocks."""

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its thread; return whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @abstractmethod
    def _work(self) -> None:
        """Emit the events, on its thread."""

    def _tell(self, index: int, run_id: str, event: Event) -> None:
        for sink in self._sinks:
            sink(index, run_id, event)
