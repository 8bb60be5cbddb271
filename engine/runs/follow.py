"""Reads the record of a run as it grows, whoever writes it."""

from __future__ import annotations

from pathlib import Path

from engine.common.lines import LineReader
from engine.protocol.events import Event
from engine.runs.recorded_events import Thinning, decoded

HISTORY_BYTES = 2**20
"""Of frequent events a history that is longer gives a share, so that hours arrive in seconds."""
RECENT_BYTES = 2**19
"""At the end of a history, of which nothing is left out: the last ten minutes and more."""


class RecordReader:
    """Gives the events of a record from its beginning on, then those that join it.

    Only whole lines are read: half a line waits for its end. Damaged lines, and the events of a
    newer program, are passed over. Of a long history, but for its end, only a share of
    the frequent events is given. The file need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineReader(path)
        size = path.stat().st_size if path.is_file() else 0
        self._thinning = Thinning(max(size // HISTORY_BYTES, 1))
        self._recent_from = size - RECENT_BYTES

    def read(self) -> list[Event]:
        """Up to about a thousand events that were not given yet; none where nothing has joined."""
        while lines := self._lines.read():
            kept = filter(self._keeps, lines)
            if events := [event for event in map(decoded, kept) if event is not None]:
                return events
        return []

    def _keeps(self, line: bytes) -> bool:
        return self._lines.offset > self._recent_from or self._thinning.keeps(line)
