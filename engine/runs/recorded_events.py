"""Reading `events.jsonl`, whatever became of it: torn, flipped, endless, no file at all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from engine.common.lines import read_lines, read_lines_backwards
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
