"""Reading `events.jsonl`, whatever became of it: torn, flipped, endless, no file at all."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

from engine.errors import InputError
from engine.events import Event, Phase, PhaseChanged, event_from_line
from engine.regular_file import open_regular

MAX_LINE_BYTES = 2**20
"""A longer line is none of ours: the layer tree of NASNetLarge takes 300 KB."""
MAX_REPLAY_BYTES = 2**28
"""Read for one replay: a hundred hours of training write about 200 MB."""
THINNED_BYTES = 4 * 2**20
"""Of a record, about, to which its many small events are thinned: 20,000 of them."""
MAX_DECODED_BYTES = 32 * 2**20
MAX_RARE_LINES = 20_000
THINNED = frozenset({"BatchEnded", "HardwareSampled", "LayersMoved", "LogLine", "PhaseProgressed"})
"""Of these a long record holds many, and any of them stands for its neighbours."""
TAIL_BYTES = 8 * 2**20
"""Ten hours of a pause, with a line of hardware every five seconds, take 4 MB."""
_BLOCK_BYTES = 2**19
_LATEST_SECOND = 1e11
_LARGEST = 1e100
_HEAD = b'{"event": "'


def read_lines(path: Path, most: int | None = None) -> Iterator[bytes]:
    """The whole lines of a file, without their newline; a torn last one is left out.

    Lines above `MAX_LINE_BYTES` are passed over, and those beyond `most` bytes where that is given.
    What cannot be read has no lines.
    """
    try:
        with open_regular(path) as file:
            yield from _whole_lines(file, most)
    except (OSError, InputError):
        return


def read_recorded(path: Path) -> Iterator[Event]:
    """The events of a record; torn or damaged lines, and a newer program's, are passed over."""
    for line in read_lines(path):
        event = _decode(line)
        if event is not None:
            yield event


def read_thinned(path: Path) -> Iterator[Event]:
    """Enough events of a record to sum it up: all of a usual one, of a huge one a share.

    Events with figures that no run can have are left out.
    """
    try:
        size = path.stat().st_size
    except OSError:
        return
    keep_each = max(math.ceil(min(size, MAX_REPLAY_BYTES) / THINNED_BYTES), 1)
    seen: Counter[str] = Counter()
    decoded = 0
    for line in read_lines(path, MAX_REPLAY_BYTES):
        kind = _kind(line)
        seen[kind] += 1
        is_thinned = kind in THINNED
        if is_thinned and seen[kind] % keep_each:
            continue
        if not is_thinned and seen[kind] > MAX_RARE_LINES:
            continue
        decoded += len(line)
        event = _decode(line)
        if event is not None and is_plausible(event):
            yield event
        if decoded > MAX_DECODED_BYTES:
            return


def is_plausible(event: Event) -> bool:
    """Whether an event's figures could be a run's: no infinities, no times before 1970."""
    if not 0 <= event.time < _LATEST_SECOND:
        return False
    values = (getattr(event, field.name) for field in fields(event))
    # NaN is a loss that diverged: it compares as neither.
    return not any(isinstance(value, float) and abs(value) > _LARGEST for value in values)


def last_phase(path: Path) -> Phase | None:
    """The last phase that a record tells of, found from its end; None where there is none."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            for line in _lines_backwards(file, size):
                if line.startswith(_HEAD + b'PhaseChanged"'):
                    event = _decode(line)
                    if isinstance(event, PhaseChanged):
                        return event.phase
    except (OSError, InputError):
        return None
    return None


def _kind(line: bytes) -> str:
    if not line.startswith(_HEAD):
        return ""
    return line[len(_HEAD) : len(_HEAD) + 32].partition(b'"')[0].decode(errors="replace")


def _decode(line: bytes) -> Event | None:
    try:
        return event_from_line(line.decode(errors="replace"))
    except (InputError, RecursionError):
        return None


def _whole_lines(file: BinaryIO, most: int | None) -> Iterator[bytes]:
    too_long, read = False, 0
    while line := file.readline(MAX_LINE_BYTES):
        read += len(line)
        if most is not None and read > most:
            return
        if not line.endswith(b"\n"):
            too_long = True
        elif too_long:
            too_long = False
        else:
            yield line[:-1]


def _lines_backwards(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The whole lines of the last `TAIL_BYTES`, last first."""
    start, head, is_last = size, b"", True
    while start > max(size - TAIL_BYTES, 0):
        length = min(_BLOCK_BYTES, start)
        start -= length
        file.seek(start)
        first, *lines = (file.read(length) + head).split(b"\n")
        if lines and is_last:
            lines.pop()  # the torn one, or nothing after the last newline
            is_last = False
        yield from reversed(lines)
        head = first if len(first) <= MAX_LINE_BYTES else b""
    if start == 0 and not is_last:
        yield head
