"""The ranking rows of a folder of runs, fast: a file keeps those whose run did not change.

The index is a hint. Every look lists the folder again and compares each run's small files (times,
size, place on the disk) with what they were when its row was made; a run that differs, could still
change without a trace, or is not over is read from its directory. Without the index, or with one
that makes no sense, the rows are the same, only later.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import msgspec

from engine.common.atomic import written_whole
from engine.common.regular_file import read_regular
from engine.errors import InputError
from engine.ranking.row import KINDS, ranking_row
from engine.runs.directory import RunDirectory
from engine.runs.listing import NAMES, OVER, broken_line, folder_names, load_if_run
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
MAX_BYTES = 128 * 2**20
"""10,000 runs of eight epochs take 17 MB."""
_BITS_63 = 2**63 - 1
_INTEGER = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_POINT = Annotated[list[float | None], msgspec.Meta(min_length=2, max_length=2)]
_PLAIN = {"float64": float | None, "Int64": _INTEGER | None, "bool": bool, "object": str}
_TYPES: dict[str, Any] = {
    **{key: _PLAIN[kind] for key, kind in KINDS.items()},
    "status": Literal[OVER],  # only rows of runs that are over are kept
    "validation": str | float | None,
    "members": list[str],
    "stages": list[str],
    "tags": list[str],
    "curve": list[_POINT],
}
if TYPE_CHECKING:
    _Row = dict[str, Any]
else:
    _Row = TypedDict("_Row", _TYPES)
_texts = itemgetter(*(key for key, kind in _TYPES.items() if kind is str))
_names = itemgetter(*NAMES)
_LISTS = tuple(key for key, kind in _TYPES.items() if kind == list[str])
Signature = tuple[int, ...]
"""The state of a run's files; equal ones mean the same files."""


class Entry(msgspec.Struct, array_like=True):
    """The result of reading a folder: a row of the ranking, or why there is none."""

    signature: Signature | None
    """None for what must be read again each time."""
    row: _Row | None
    broken: str = ""


class _Index(msgspec.Struct):
    entries: dict[str, Entry]
    format: Literal[3] = 3
    """Raised whenever a row is made in another way from the same files."""


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
    known = read_index(runs_dir / INDEX_NAME) if is_indexed else {}
    entries = _look(runs_dir, names, known)
    if is_indexed:
        keep = {name: entry for name, entry in entries.items() if entry.signature is not None}
        if keep.keys() != known.keys() or any(keep[name] is not known[name] for name in keep):
            _write_index(runs_dir / INDEX_NAME, keep)
    rows = [entry.row for entry in entries.values() if entry.row is not None]
    rows.sort(key=lambda row: (row["created_at"], row["run_id"]), reverse=True)
    return RankingRows(rows, tuple(entry.broken for entry in entries.values() if entry.broken))


def _look(runs_dir: Path, names: list[str], known: dict[str, Entry]) -> dict[str, Entry]:
    """Return what became of each folder, from its entry if that is still valid."""
    latest = time.time_ns() - int(SETTLED_SECONDS * 1e9)
    entries = {}
    for name in names:
        signature = _signature(os.path.join(runs_dir, name, ""), latest)
        entry = known.get(name)
        if entry is None or signature is None or entry.signature != signature:
            entry = _read(runs_dir / name, signature)
        elif _is_resumed(runs_dir / name, entry):
            entry = _read(runs_dir / name, None)
        if entry is not None:
            entries[name] = entry
    return entries


def _signature(folder: str, latest: int) -> Signature | None:
    """Return the state of a run's small files; None if it cannot show whether they change.

    Args:
        folder: with a separator at its end.
        latest: nanosecond before which every file must have been written for the last time.
    """
    found: list[int] = []
    try:
        for name in FILES:
            try:
                file = os.lstat(folder + name)
            except FileNotFoundError:
                found.append(0)
                continue
            times = (file.st_mtime_ns, file.st_ctime_ns)
            # The target of a link can change while the link does not.
            if not stat.S_ISREG(file.st_mode) or max(times) > latest:
                return None
            found += (*times, file.st_size, file.st_ino & _BITS_63)
    except OSError:
        return None
    return tuple(found) if found[0] else None


def _read(path: Path, signature: Signature | None) -> Entry | None:
    try:
        run = load_if_run(path)
    except InputError as error:
        # The system may allow at the next look what it denies now. JSON takes no half characters.
        is_lasting = not isinstance(error.__cause__, OSError) and path.name.isprintable()
        return Entry(signature if is_lasting else None, None, broken_line(path, error))
    if run is None:
        return None
    row = ranking_row(run, read_notes(run.directory))
    # Without figures it has no summary, or was resumed and ended between two looks at its lock.
    is_over = run.status in OVER and run.summary != Summary(run.status)
    return Entry(signature if is_over else None, row)


def _is_resumed(path: Path, entry: Entry) -> bool:
    row = entry.row
    if row is None or row["status"] in OVER_FOR_GOOD:
        return False
    return holder(RunDirectory(path).lock) is not None


def read_index(path: Path) -> dict[str, Entry]:
    """Return the entries of an index by folder name; none if any part of it makes no sense."""
    try:
        entries = msgspec.json.decode(read_regular(path, MAX_BYTES), type=_Index).entries
    except (OSError, InputError, ValueError, RecursionError):
        return {}
    rows = [entry.row for entry in entries.values() if entry.row is not None]
    return entries if _can_be_shown(entries, rows) else {}


def _can_be_shown(entries: dict[str, Entry], rows: list[dict[str, Any]]) -> bool:
    """Return whether no text is one that a terminal or a title's markup would obey."""
    lists = (text for row in rows for key in _LISTS for text in row[key])
    others = (str(row["validation"]) for row in rows)
    broken = (entry.broken for entry in entries.values())
    texts = chain(chain.from_iterable(map(_texts, rows)), lists, others, broken)
    names = chain.from_iterable(map(_names, rows))
    return "".join(texts).isprintable() and "[" not in "".join(names)


def _write_index(path: Path, entries: dict[str, Entry]) -> None:
    """Replace the index whole; do nothing where the folder cannot be written."""
    text = msgspec.json.encode(_Index(entries))
    if len(text) <= MAX_BYTES:
        with contextlib.suppress(OSError), written_whole(path) as aside:
            aside.write_bytes(text)
