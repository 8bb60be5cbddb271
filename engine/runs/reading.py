"""Reads `events.jsonl`, as it stands or as it grows: torn, flipped, endless, no file at all."""

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
"""Read for one replay: a hundred hours of training write about 200 MB."""
THINNED_BYTES = 4 * 2**20
"""Of a record, about, to which its frequent events are thinned: 20,000 of them."""
MAX_DECODED_BYTES = 32 * 2**20
MAX_RARE_LINES = 20_000
KEPT_WHOLE = 200
"""Of each kind of frequent events so many are kept before a share is: most logs are no longer."""
TAIL_BYTES = 8 * 2**20
"""Ten hours of a pause, with a line of hardware every five seconds, take 4 MB."""
_HEAD = b'{"event": "'
_TOLD_LEVELS = (b'"level": "warning"', b'"level": "error"')
_LEVEL_WITHIN = 128
"""Bytes of a line before which its level stands."""
_FREQUENT = frozenset(kind.__name__ for kind in FREQUENT)
HISTORY_BYTES = 2**20
"""Of frequent events a history that is longer gives a share, so that hours arrive in seconds."""
RECENT_BYTES = 2**19
"""At the end of a history, of which nothing is left out: the last ten minutes and more."""


class Thinning:
    """Tells which lines of a long record are worth decoding, in their order.

    Args:
        keep_each: of a frequent kind the share that is kept, 1 for all of them.
        most_rare: of any other kind so many are kept; None for all of them.
    """

    def __init__(self, keep_each: int, most_rare: int | None = None) -> None:
        self._keep_each, self._most_rare = keep_each, most_rare
        self._seen: Counter[str] = Counter()

    def keeps(self, line: bytes) -> bool:
        """Whether the next line is kept."""
        kind = _kind(line)
        if kind == "LogLine" and any(level in line[:_LEVEL_WITHIN] for level in _TOLD_LEVELS):
            kind = "LogLine told"  # what a user should know is as rare as it is wanted
        self._seen[kind] += 1
        seen = self._seen[kind]
        if kind in _FREQUENT:
            return seen <= KEPT_WHOLE or seen % self._keep_each == 0
        return self._most_rare is None or seen <= self._most_rare


def decoded(line: bytes) -> Event | None:
    """The event of a line; None where it is damaged, or has figures that no run can have.

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
    """The events of a record; torn or damaged lines, and a newer program's, are passed over."""
    return _events(read_lines(path))


def read_thinned(path: Path) -> Iterator[Event]:
    """Enough events of a record to sum it up: all of a usual one, of a huge one a share."""
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
    """What a record tells of its run's data; None where it did not come so far, or is missing."""
    started = (event for event in read_thinned(path) if isinstance(event, RunStarted))
    return next((event.data for event in started), None)


def last_phase(path: Path) -> Phase | None:
    """The last phase that a record tells of, found from its end; None where there is none."""
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
