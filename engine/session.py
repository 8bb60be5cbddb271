"""The queue of runs and the trainer thread that works it off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.commands import Command
from engine.config import RunSpec
from engine.events import Event

Sink = Callable[[int, str, Event], None]
"""Takes (place in the queue from 0, run id, event) on the thread that emits; must not block."""


class SessionHandle(Protocol):
    """What a front end may do with a session; a fake one stands in for it under UI tests."""

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """What the queue holds, in order."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether the trainer thread still works."""
        ...

    def add_sink(self, sink: Sink) -> None:
        """Send events to `sink` from now on."""
        ...

    def start(self) -> None:
        """Start the trainer thread."""
        ...

    def send(self, command: Command) -> None:
        """Put a command to the run at work; never blocks."""
        ...

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the trainer thread; whether it has ended."""
        ...
