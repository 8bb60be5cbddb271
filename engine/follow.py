"""Reads the record of a run as it grows, whoever writes it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from engine.errors import InputError
from engine.events import Event, RunEnded, RunStatus, event_from_line
from engine.recorded_events import is_plausible
from engine.regular_file import open_regular
from engine.runs import RunRecord

CHUNK_BYTES = 2**18
"""Read at once, so that a long history arrives in parts: about a thousand events."""
MAX_LINE_BYTES = 2**22
"""A longer line is no event: NASNetLarge's tree of layers takes 300 KB."""
HISTORY_BYTES = 2**20
"""Of frequent events a history that is longer gives a share, so that hours arrive in seconds."""
RECENT_BYTES = 2**19
"""At the end of a history, of which nothing is left out: the last ten minutes and more."""
_FREQUENT = (
    b'{"event": "BatchEnded"',
    b'{"event": "HardwareSampled"',
    b'{"event": "PhaseProgressed"',
)
OVER = ("completed", "stopped", "failed", "interrupted")
"""What a run is that says nothing more, unless it is resumed."""


class RecordReader:
    """Gives the events of a record from its beginning on, then those that join it.

    Only whole lines are read: half a line waits for its end. Damaged lines, and the events of a
    newer program, are passed over. Of a long history, but for its end, only a share of
    the frequent events is given. The file need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._passes_over = False
        size = path.stat().st_size if path.is_file() else 0
        self._keeps_each = max(size // HISTORY_BYTES, 1)
        self._recent_from = size - RECENT_BYTES
        self._frequent_seen = 0

    def read(self) -> list[Event]:
        """Up to about a thousand events that were not given yet; none where nothing has joined."""
        while True:
            lines = self._whole_lines()
            events = [event for event in map(_event, self._thinned(lines)) if event is not None]
            if events or not lines:
                return events

    def _whole_lines(self) -> list[bytes]:
        found = self._found()
        whole, newline, _ = found.rpartition(b"\n")
        if newline:
            self._offset += len(whole) + 1
            lines = whole.split(b"\n")
            skipped, self._passes_over = self._passes_over, False
            # What is left of a line beyond all measure is a line still, damaged.
            return [b"", *lines[1:]] if skipped else lines
        if len(found) >= MAX_LINE_BYTES:
            self._offset += len(found)
            self._passes_over = True
            return [b""]
        return []

    def _thinned(self, lines: list[bytes]) -> list[bytes]:
        if self._keeps_each == 1 or self._offset > self._recent_from:
            return lines
        kept = []
        for line in lines:
            is_frequent = line.startswith(_FREQUENT)
            self._frequent_seen += is_frequent
            if not is_frequent or self._frequent_seen % self._keeps_each == 0:
                kept.append(line)
        return kept

    def _found(self) -> bytes:
        """What stands behind the last whole line, up to the end of a line or of the file."""
        try:
            size = self._path.stat().st_size
            # A record that was cut is gone on with at its new end: what it holds was given.
            self._offset = min(self._offset, size)
            if size == self._offset:
                return b""
            with open_regular(self._path) as file:
                file.seek(self._offset)
                found = file.read(CHUNK_BYTES)
                while b"\n" not in found and len(found) < MAX_LINE_BYTES:
                    more = file.read(CHUNK_BYTES)
                    if not more:
                        break
                    found += more
                return found
        except (OSError, InputError):
            return b""


def derived_end(record: RunRecord, time: float) -> RunEnded | None:
    """The end of a run whose record has none: killed, or its last line lost; None while it runs.

    Args:
        record: as it stands on disk now.
        time: Unix second of the last event.
    """
    if record.status not in OVER:
        return None
    status = cast(RunStatus, record.status)
    return RunEnded(time=time, status=status, error=record.summary.error)


def _event(line: bytes) -> Event | None:
    if not line.strip():
        return None
    try:
        event = event_from_line(line.decode("utf-8", errors="replace"))
    except (InputError, OverflowError):  # a number too large for what it stands for
        return None
    return event if event is not None and is_plausible(event) else None
