"""Read `events.jsonl`, as it is or as it grows: torn, flipped, endless, or missing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from engine.common.lines import LineReader, read_lines, read_lines_backwards
from engine.errors import InputError
from engine.protocol.events import FREQUENT, Event, Phase, PhaseChanged, RunStarted, event_from_line
from engine.protocol.facts import DataFacts
from engine.state.plausible import is_plausible

MAX_REPLAY_BYTES = 2**28
"""Most bytes read for one replay: a hundred hours of training write about 200 MB."""
THINNED_BYTES = 4 * 2**20
"""About the size to which a record's frequent events are thinned: 20,000 of them."""
MAX_DECODED_BYTES = 32 * 2**20
MAX_RARE_LINES = 20_000
KEPT_WHOLE = 200
"""Events of each frequent kind kept before only a share is: most logs are no longer."""
TAIL_BYTES = 8 * 2**20
"""Bytes read from the end: ten hours of a pause, with hardware every 5 s, take 4 MB."""
_HEAD = b'{"event": "'
_TOLD_LEVELS = (b'"level": "warning"', b'"level": "error"')
_LEVEL_WITHIN = 128
"""Bytes at the start of a line within which its level is found."""
_FREQUENT = frozenset(kind.__name__ for kind in FREQUENT)
HISTORY_BYTES = 2**20
"""Of a longer history only a share of frequent events is read, so that hours take seconds."""
RECENT_BYTES = 2**19
"""Bytes at the end of a history that are read in full: the last ten minutes and more."""


class Thinning:
    """The choice of the lines of a long record that are worth decoding, in their order.

    Args:
        keep_each: one of so many events of a frequent kind is kept, 1 for all of them.
        most_rare: events kept of any other kind; None for all of them.
    """

    def __init__(self, keep_each: int, most_rare: int | None = None) -> None:
        self._keep_each, self._most_rare = keep_each, most_rare
        self._seen: Counter[str] = Counter()

    def keeps(self, line: bytes) -> bool:
        """Return whether the next line is kept."""
        kind = _kind(line)
        if kind == "LogLine" and any(level in line[:_LEVEL_WITHIN] for level in _TOLD_LEVELS):
            kind = "LogLine told"  # warnings and errors are rare, and all of them matter
        self._seen[kind] += 1
        seen = self._seen[kind]
        if kind in _FREQUENT:
            return seen <= KEPT_WHOLE or seen % self._keep_each == 0
        return self._most_rare is None or seen <= self._most_rare


def decoded(line: bytes) -> Event | None:
    """Return the event of a line; None if it is damaged or has figures that no run can have.

    A newer program's events are None as well.
    """
    if not line.strip():
        return None
    try:
        event = event_from_line(line.decode(errors="replace"))
    except (InputError, RecursionError, OverflowError):
        return None
    return event if event is not None and is_plausible(event) else None


def read_recorded(path: Path) -> Iterator[Event]:
    """Yield the events of a record; torn or damaged lines and a newer program's are skipped."""
    return _events(read_lines(path))


def read_thinned(path: Path) -> Iterator[Event]:
    """Yield enough events of a record to sum it up: all of a usual one, a share of a huge one."""
    try:
        size = path.stat().st_size
    except OSError:
        return
    keep_each = max(math.ceil(min(size, MAX_REPLAY_BYTES) / THINNED_BYTES), 1)
    thinning = Thinning(keep_each, MAX_RARE_LINES)
    taken = 0
    for line in read_lines(path, MAX_REPLAY_BYTES):
        if not thinning.keeps(line):
            continue
        taken += len(line)
        yield from _events(iter([line]))
        if taken > MAX_DECODED_BYTES:
            return


def recorded_data(path: Path) -> DataFacts | None:
    """Return a record's facts about the data; None where it has none yet, or is missing."""
    started = (event for event in read_thinned(path) if isinstance(event, RunStarted))
    return next((event.data for event in started), None)


def last_phase(path: Path) -> Phase | None:
    """Return the last phase in a record, searched from its end; None where there is none."""
    for line in read_lines_backwards(path, TAIL_BYTES):
        if line.startswith(_HEAD + b'PhaseChanged"'):
            event = decoded(line)
            if isinstance(event, PhaseChanged):
                return event.phase
    return None


def _events(lines: Iterator[bytes]) -> Iterator[Event]:
    return (event for event in map(decoded, lines) if event is not None)


def _kind(line: bytes) -> str:
    if not line.startswith(_HEAD):
        return ""
    return line[len(_HEAD) : len(_HEAD) + 32].partition(b'"')[0].decode(errors="replace")


class RecordReader:
    """Reads the events of a record from its beginning, then those that are added.

    Only whole lines are read: half a line waits for its end. Damaged lines and the events of a
    newer program are skipped. Of a long history, except at its end, only a share of the frequent
    events is returned. The file need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineReader(path)
        size = path.stat().st_size if path.is_file() else 0
        self._thinning = Thinning(max(size // HISTORY_BYTES, 1))
        self._recent_from = size - RECENT_BYTES

    def read(self) -> list[Event]:
        """Return up to about a thousand further events; none where nothing was added."""
        while lines := self._lines.read():
            kept = filter(self._keeps, lines)
            if events := [event for event in map(decoded, kept) if event is not None]:
                return events
        return []

    def _keeps(self, line: bytes) -> bool:
        return self._lines.offset > self._recent_from or self._thinning.keeps(line)
