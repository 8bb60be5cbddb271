"""Remove runs, into a trash folder beside them first, and files that nothing needs."""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.common.regular_file import reason_of
from engine.errors import InputError
from engine.runs.directory import ASIDE, TRASH, RunDirectory
from engine.runs.listing import folder_names, load_if_run, load_run
from engine.runs.lock import holder, locked

ASIDE_SECONDS = 3_600.0
"""Longer than any write takes: an older file was left by a process that died writing it."""
_ASIDE = re.compile(r"\.\d+-.+\.(json|npz|keras|csv)")
"""The names of files that are not whole yet: a process, and the final name."""
_NAMES_TRIED = 10_000


@dataclass(frozen=True, slots=True)
class Removable:
    """Something that can be removed without a run losing what it is ranked by."""

    path: Path
    what: str
    """Its kind: `removed run`, `checkpoints`, `unfinished file`, `unfinished run`."""
    bytes: int


def trash_run(directory: RunDirectory) -> Path:
    """Move a run, readable or not, into the trash folder beside it; return its new path.

    Raises:
        InputError: it is alive, or the folder does not allow it.
    """
    _reject_alive(directory)
    trash = directory.path.parent / TRASH
    try:
        trash.mkdir(exist_ok=True)
        # A process that would resume it meanwhile waits for the lock, and then finds it gone.
        with locked(directory.lock):
            return _moved(directory.path, trash)
    except OSError as error:
        expected, hint = f"a run that can be moved to {trash}", "check the rights of both folders"
        raise InputError(directory.path, expected, reason_of(error), hint) from error


def trashed_runs(runs_dir: Path) -> list[Path]:
    """Return the runs in the trash folder, by name."""
    trash = runs_dir / TRASH
    return [] if trash.is_symlink() else [trash / name for name in folder_names(trash)]


def bytes_on_disk(path: Path) -> int:
    """Return the size of a file, or of all files below, links not followed; 0 if unreadable."""
    try:
        if not path.is_dir() or path.is_symlink():
            return path.lstat().st_size
        with os.scandir(path) as entries:
            return sum(bytes_on_disk(Path(entry.path)) for entry in entries)
    except OSError:
        return 0


def removable(runs_dir: Path) -> list[Removable]:
    """Return what can be removed: the trash, checkpoints of runs that are over, torn writes.

    A run that was stopped or interrupted, or that failed, keeps its checkpoints to be resumed
    from.
    """
    trash = (("removed run", path) for path in trashed_runs(runs_dir))
    left = (
        (what, path) for name in folder_names(runs_dir) for what, path in _left(runs_dir / name)
    )
    torn = (("unfinished file", path) for path in _torn(runs_dir))
    begun = (("unfinished run", path) for path in _begun(runs_dir))
    found = (*trash, *left, *torn, *begun)
    return [Removable(path, what, bytes_on_disk(path)) for what, path in found]


def remove(found: Removable) -> None:
    """Remove one for good.

    Raises:
        InputError: the folder does not allow it.
    """
    try:
        is_folder = found.path.is_dir() and not found.path.is_symlink()
        shutil.rmtree(found.path) if is_folder else found.path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(found.path, "what can be removed", reason_of(error)) from error


def _reject_alive(directory: RunDirectory) -> None:
    try:
        is_alive = load_run(directory.path).status == "running"
    except InputError:
        is_alive = holder(directory.lock) is not None
    if is_alive:
        raise InputError("", "a run that is over", f"{directory.run_id} running", "stop it first")


def _moved(path: Path, trash: Path) -> Path:
    for attempt in range(1, _NAMES_TRIED):
        place = trash / (path.name if attempt == 1 else f"{path.name}-{attempt}")
        if not os.path.lexists(place):
            return path.rename(place)
    raise InputError(trash, "a free name", f"{path.name}-* all taken", "empty it")


def _left(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield what a run no longer needs of its folder, each with its kind."""
    try:
        run = load_if_run(path)
    except InputError:
        return
    if run is None or run.status == "running":
        return
    checkpoints = run.directory.checkpoints
    if run.status == "completed" and checkpoints.is_dir():
        yield "checkpoints", checkpoints
    else:
        yield from (("unfinished file", aside) for aside in _torn(checkpoints))
    yield from (("unfinished file", aside) for aside in _torn(path))


def _torn(folder: Path) -> list[Path]:
    asides = (path for path in folder.glob(".*-*") if _ASIDE.fullmatch(path.name))
    return sorted(path for path in asides if _was_left(path, stat.S_ISREG))


def _begun(runs_dir: Path) -> list[Path]:
    """Return the folders of runs that were to be there whole, and whose process is gone."""
    asides = (path for path in runs_dir.glob(".*-*") if ASIDE.fullmatch(path.name))
    left = (path for path in asides if _was_left(path, stat.S_ISDIR))
    return sorted(path for path in left if holder(RunDirectory(path).lock) is None)


def _was_left(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Return whether it is of a kind, and was not written for longer than any write takes."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return is_kind(status.st_mode) and status.st_mtime < time.time() - ASIDE_SECONDS
