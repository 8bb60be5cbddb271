"""The ranking rows of a folder of runs, fast: an index keeps those whose files did not change.

The index is a hint. Every look lists the folder anew and compares what each run's small files are
(times, size, place on the disk) with what they were when its row was made; whatever differs, could
still change without a trace, or is not over is read from its directory. Without the index, or with
one that makes no sense, the rows are the same, only later.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import InputError
from engine.ranking.index_file import STATUSES, Entry, IndexFile, Signature
from engine.ranking.row import ranking_row
from engine.runs.directory import RunDirectory, broken_line, folder_names, load_if_run
from engine.runs.lock import holder
from engine.runs.notes import read_notes
from engine.runs.summary import Summary

INDEX_NAME = ".ranking-index.json"
"""In the folder of runs."""
FILES = ("spec.json", "summary.json", "notes.json")
"""What a row is made from; the spec is always there."""
WORTH_AN_INDEX = 64
"""Of fewer folders all are read in less time than it takes to see it."""
SETTLED_SECONDS = 2.0
"""A file that was written later than this before a look may be written once more within the same
tick of the file system's clock, and look the same."""
OVER_FOR_GOOD = frozenset({"completed", "failed"})
"""A run of another status is resumed in its directory; who holds its lock tells."""


_NO_FILE = (0, 0, 0, 0)
_BITS_63 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RankingRows:
    """All runs of a folder as rows of the ranking, newest first, and what could not be read."""

    rows: list[dict[str, Any]]
    """With the keys of `engine.ranking.row.KINDS`; `status` is the state, `paused` and `running`
    too."""
    broken: tuple[str, ...] = ()
    """One line a directory: its name and what is wrong with it."""


def ranking_rows(runs_dir: Path) -> RankingRows:
    """The rows of all runs in a folder: those of `list_runs`, in its order."""
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
    """What each of the folders comes to, from its entry where that still holds."""
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
    """What the small files of a run are now; None where that does not tell whether they change.

    Args:
        path: of the folder.
        latest: nanosecond before which a file must have been written for the last time.
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
            # What a link leads to can change without it.
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
        # What the system refuses now it may grant at the next look.
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
