"""The ranking rows of a folder of runs, fast: a file keeps those whose run did not change.

The index is a hint. Every look lists the folder again and compares each run's small files (times,
size, place on the disk) with what they were when its row was made; a run that differs, could still
change without a trace, or is not over is read from its directory. Without the index, or with one
that makes no sense, the rows are the same, only later.

Its figures are the bytes of arrays: a third of a million of them as text would take longer to
read than all the rest of a ranking.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import stat
import sys
import time
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from engine.common.atomic import written_whole
from engine.common.regular_file import read_regular
from engine.errors import InputError
from engine.ranking.row import KINDS, ranking_row
from engine.runs.directory import RunDirectory
from engine.runs.listing import NAMES, broken_line, folder_names, load_if_run
from engine.runs.lock import holder
from engine.runs.notes import read_notes
from engine.runs.summary import Summary

INDEX_NAME = ".ranking-index.json"
"""Name of the index in the folder of runs."""
FILES = ("spec.json", "summary.json", "notes.json")
"""The files from which a row is made; the spec is always there."""
WORTH_AN_INDEX = 64
"""Fewer folders are all read faster than a user notices."""
SETTLED_SECONDS = 2.0
"""A file written more recently than this before a look may be written again within the same tick
of the file system's clock, and look the same."""
OVER_FOR_GOOD = frozenset({"completed", "failed"})
"""A run of another status may be resumed in its directory; its lock shows it."""
_NO_FILE = (0, 0, 0, 0)
_BITS_63 = 2**63 - 1
FORMAT = 1
"""Raised whenever a row is made in another way from the same files."""
MAX_BYTES = 64 * 2**20
"""10,000 runs of eight epochs take 9 MB."""
STATUSES = frozenset({"completed", "failed", "stopped", "interrupted"})
"""Statuses of the rows that are kept: only those of runs that are over."""
SIGNATURE_LENGTH = 13
_UNKNOWN_INTEGER = -(2**63)
"""Stands for None; no count of a run is below -(2**63 - 1)."""
Signature = tuple[int, ...]
"""The state of a run's files, as whole numbers of 64 bits; equal ones mean the same files."""


@dataclass(frozen=True, slots=True)
class RankingRows:
    """All runs of a folder as rows of the ranking, newest first, and what could not be read."""

    rows: list[dict[str, Any]]
    """With the keys of `engine.ranking.row.KINDS`; `status` is the state, `paused` and `running`
    too."""
    broken: tuple[str, ...] = ()
    """One line per directory: its name and what is wrong with it."""


def ranking_rows(runs_dir: Path) -> RankingRows:
    """Return the rows of all runs in a folder: those of `list_runs`, in its order."""
    names = folder_names(runs_dir)
    is_indexed = len(names) >= WORTH_AN_INDEX
    index = IndexFile(runs_dir / INDEX_NAME)
    known = index.read() if is_indexed else {}
    entries = _look(runs_dir, names, known)
    if is_indexed:
        keep = {name: entry for name, entry in entries.items() if entry.signature is not None}
        if keep.keys() != known.keys() or any(keep[name] is not known[name] for name in keep):
            index.write(keep)
    rows = [entry.row for entry in entries.values() if entry.row is not None]
    rows.sort(key=lambda row: (row["created_at"], row["run_id"]), reverse=True)
    return RankingRows(rows, tuple(entry.broken for entry in entries.values() if entry.broken))


def _look(runs_dir: Path, names: list[str], known: dict[str, Entry]) -> dict[str, Entry]:
    """Return what became of each folder, from its entry if that is still valid."""
    latest = time.time_ns() - int(SETTLED_SECONDS * 1e9)
    entries = {}
    folder = os.path.join(runs_dir, "")
    for name in names:
        signature = _signature(folder + name, latest)
        entry = known.get(name)
        if entry is None or signature is None or entry.signature != signature:
            entry = _read(runs_dir / name, signature)
        elif _is_resumed(runs_dir / name, entry):
            entry = _read(runs_dir / name, None)
        if entry is not None:
            entries[name] = entry
    return entries


def _signature(path: str, latest: int) -> Signature | None:
    """Return the state of a run's small files; None if it cannot show whether they change.

    Args:
        path: of the folder.
        latest: nanosecond before which every file must have been written for the last time.
    """
    try:
        found = [os.stat(path).st_mode]
        for name in FILES:
            file = f"{path}{os.sep}{name}"
            try:
                status = os.lstat(file)
            except FileNotFoundError:
                found += _NO_FILE
                continue
            # The target of a link can change while the link does not.
            times = (status.st_mtime_ns, status.st_ctime_ns)
            if not stat.S_ISREG(status.st_mode) or max(times) > latest:
                return None
            found += (*times, status.st_size, status.st_ino & _BITS_63)
    except OSError:
        return None
    return tuple(found) if found[1] else None


def _read(path: Path, signature: Signature | None) -> Entry | None:
    try:
        run = load_if_run(path)
    except InputError as error:
        # The system may allow at the next look what it denies now.
        is_lasting = not isinstance(error.__cause__, OSError)
        return Entry(signature if is_lasting else None, None, broken_line(path, error))
    if run is None:
        return None
    row = ranking_row(run, read_notes(run.directory))
    # Without figures it has no summary, or was resumed and ended between two looks at its lock.
    is_over = run.status in STATUSES and run.summary != Summary(run.status)
    return Entry(signature if is_over else None, row)


def _is_resumed(path: Path, entry: Entry) -> bool:
    row = entry.row
    if row is None or row["status"] in OVER_FOR_GOOD:
        return False
    return holder(RunDirectory(path).lock) is not None


@dataclass(slots=True)
class Entry:
    """The result of reading a folder: a row of the ranking, or why there is none."""

    signature: Signature | None
    """None for what must be read again each time."""
    row: dict[str, Any] | None
    broken: str = ""


class IndexFile:
    """The index at a path; an unreadable one is empty, an unwritable one is not written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Entry]:
        """Return all entries by folder name; none if any part of the file makes no sense."""
        with _no_collection():
            try:
                return _entries(json.loads(read_regular(self._path, MAX_BYTES)))
            except (OSError, InputError, ValueError, TypeError, KeyError, RecursionError):
                return {}

    def write(self, entries: dict[str, Entry]) -> None:
        """Replace the index whole; do nothing where the folder cannot be written."""
        text = json.dumps(_plain(entries), allow_nan=False, separators=(",", ":"))
        if len(text) > MAX_BYTES:
            return
        with contextlib.suppress(OSError), written_whole(self._path) as aside:
            aside.write_text(text, encoding="ascii")


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Pause garbage collection: nothing read becomes garbage, and looking takes as long again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _plain(entries: dict[str, Entry]) -> dict[str, Any]:
    good = {name: entry for name, entry in entries.items() if entry.row is not None}
    bad = {name: entry for name, entry in entries.items() if entry.row is None}
    rows = [entry.row or {} for entry in good.values()]
    every = chain(good.values(), bad.values())
    return {
        "format": FORMAT,
        "byte_order": sys.byteorder,
        "kinds": KINDS,
        "signatures": _packed("q", chain.from_iterable(entry.signature or () for entry in every)),
        "columns": {key: _packed_column(key, [row[key] for row in rows]) for key in KINDS},
        "broken": {name: entry.broken for name, entry in bad.items()},
    }


def _packed_column(key: str, values: list[Any]) -> Any:
    if key == "curve":
        figures = (math.nan if figure is None else figure for figure in _flat(_flat(values)))
        return [_packed("q", map(len, values)), _packed("d", figures)]
    if KINDS[key] == "float64":
        return _packed("d", (math.nan if value is None else value for value in values))
    if KINDS[key] == "Int64":
        return _packed("q", (_UNKNOWN_INTEGER if value is None else value for value in values))
    return values


def _entries(plain: Any) -> dict[str, Entry]:
    """Rebuild entries; raise ValueError, TypeError or KeyError where `_plain` did not make it."""
    head = (plain["format"], plain["byte_order"], plain["kinds"])
    _require(head == (FORMAT, sys.byteorder, KINDS))
    columns = [_column(key, plain["columns"][key]) for key in KINDS]
    names, broken = columns[0], plain["broken"]
    _require({*map(len, columns)} == {len(names)})
    _require(set(map(type, names)) <= {str} and type(broken) is dict)
    _check_texts(broken.values())
    signatures = _groups(_unpacked("q", plain["signatures"]), SIGNATURE_LENGTH)
    _require(len(signatures) == len(names) + len(broken))
    rows = (dict(zip(KINDS, row, strict=True)) for row in zip(*columns, strict=True))
    entries = dict(zip(names, map(Entry, signatures, rows), strict=False))
    for signature, (name, line) in zip(signatures[len(names) :], broken.items(), strict=True):
        entries[name] = Entry(signature, None, line)
    return entries


def _column(key: str, packed: Any) -> list[Any]:
    kind = KINDS[key]
    if key == "curve":
        return _curves(*packed)
    if kind == "float64":
        return _figures(packed)
    if kind == "Int64":
        counts = _unpacked("q", packed)
        return [None if count == _UNKNOWN_INTEGER else count for count in counts]
    _require(type(packed) is list)
    if kind == "bool":
        _require({*map(type, packed)} <= {bool})
    else:
        _check_objects(key, packed)
    return list(packed)


def _figures(packed: Any) -> list[float | None]:
    values = [None if value != value else value for value in _unpacked("d", packed)]
    # An infinity makes the sum one, or NaN.
    _require(math.isfinite(sum(filter(None, values))))
    return values


def _curves(packed_lengths: Any, packed: Any) -> list[list[list[float | None]]]:
    points = iter([[*point] for point in _groups(_figures(packed), 2)])
    curves = [list(islice(points, length)) for length in _unpacked("q", packed_lengths)]
    _require(next(points, None) is None)
    return curves


def _check_objects(key: str, values: list[Any]) -> None:
    if key == "validation":
        _require({*map(type, values)} <= {str, float, type(None)})
        values = [value for value in values if type(value) is str]
    elif key in ("stages", "tags"):
        _require({*map(type, values)} <= {list})
        values = _flat(values)
    _check_texts(values)
    # The names of models and recipes go into titles, where a bracket would be markup.
    _require(key not in NAMES or "[" not in "".join(values))
    _require(key != "status" or STATUSES.issuperset(values))


def _check_texts(values: Iterable[Any]) -> None:
    # Joining raises TypeError on anything but text.
    _require("".join(values).isprintable())


def _packed(code: str, values: Iterable[float]) -> str:
    return b64encode(array(code, values).tobytes()).decode()


def _unpacked(code: str, packed: Any) -> list[Any]:
    values = array(code)
    values.frombytes(b64decode(packed, validate=True))
    return values.tolist()


def _groups(values: list[Any], size: int) -> list[tuple[Any, ...]]:
    return list(zip(*[iter(values)] * size, strict=True))


def _flat(values: Iterable[Iterable[Any]]) -> list[Any]:
    return list(chain.from_iterable(values))


def _require(is_so: bool) -> None:
    if not is_so:
        raise ValueError("not an index of this program")
