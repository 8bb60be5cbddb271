"""The queue as a screen shows it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.state.snapshot import RunSnapshot


@dataclass(frozen=True, slots=True)
class SessionView:
    """All runs of a queue at one moment."""

    runs: tuple[RunSnapshot, ...]
    current: int = 0
    """Index of the current run, or of the last one."""
    is_over: bool = False
    """Whether the trainer has ended: no run will change any more."""

    @property
    def run(self) -> RunSnapshot:
        """The current run, or the last one."""
        return self.runs[self.current]
