"""Run directories: create, list, load. The only module that knows the names of their files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import reprlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.common.atomic import written_whole
from engine.common.codec import from_plain, to_plain
from engine.common.processes import process_identity
from engine.common.regular_file import read_regular, reason_of
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.machine.provenance import Origin
from engine.runs.lock import locked

FORMAT = 1
TRASH = ".trash"
"""Folder in the folder of runs for those that the user removed."""
ASIDE = re.compile(r"\.\d+-.+")
"""The names of what is not whole yet: a process, and the final name."""


@dataclass(frozen=True, slots=True)
class SpecFile:
    """What `spec.json` holds."""

    spec: RunSpec
    queue: tuple[str, ...]
    """Models of the queue this run belonged to."""
    queue_position: int
    """0-based."""
    created_at: float
    origin: Origin
    format: int = FORMAT
    queue_id: str = ""
    """The same for all runs of a queue, and no others."""
    queue_specs: tuple[RunSpec, ...] = ()
    """Specs of the whole queue, so that it can be resumed after this run."""
    process: str = ""
    """Identity of the process that began the run, unlike a pid, which may be reused."""


class _File:
    """The path of a file in a run directory, by the file's name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, directory: RunDirectory, owner: type[RunDirectory]) -> Path:
        return directory.path / self._name


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The files of one run by name."""

    path: Path

    spec = _File("spec.json")
    events = _File("events.jsonl")
    metrics = _File("metrics.csv")
    checkpoints = _File("checkpoints")
    predictions = _File("predictions.npz")
    images = _File("images.json")
    model = _File("model.keras")
    summary = _File("summary.json")
    notes = _File("notes.json")
    commands = _File("commands.jsonl")
    log = _File("run.log")
    lock = _File("lock")

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name


def check_runs_dir(path: Path) -> None:
    """Reject a file in the place of a folder of runs, which may be missing.

    Raises:
        InputError: it is a file.
    """
    if path.exists() and not path.is_dir():
        raise InputError("runs_dir", "a folder of runs", f"the file {path}")


def open_runs_dir(path: Path) -> Path:
    """Make the runs folder if it is missing, and check that it can be written.

    Raises:
        InputError: it cannot be made or written.
    """
    expected, hint = "a writable folder for runs", "choose another `runs_dir`"
    if os.path.lexists(path) and not path.is_dir():
        found = f"the file {path}" if path.exists() else f"the link {path} to nothing"
        raise InputError("runs_dir", expected, found, hint)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError("runs_dir", expected, reason_of(error), hint, path) from error
    return path


def holds_runs(runs_dir: Path) -> bool:
    """Return whether a folder holds a run, whole or broken; looks no further than the first."""
    try:
        with os.scandir(runs_dir) as entries:
            return any(_is_run(entry.path) for entry in entries if is_a_runs_name(entry.name))
    except OSError:
        return False


def is_a_runs_name(name: str) -> bool:
    """Return whether a folder of this name may be a run: not the trash, nor a run still written."""
    return not name.startswith(".") or (name != TRASH and not ASIDE.fullmatch(name))


def _is_run(folder: str) -> bool:
    directory = RunDirectory(Path(folder))
    return os.path.lexists(directory.spec) or os.path.lexists(directory.events)


def create_run(runs_dir: Path, file: SpecFile) -> RunDirectory:
    """Make a new run directory with its `spec.json`; `-2`, `-3` on a clash of names."""
    directory = RunDirectory(_free_folder(runs_dir, _name_of(file)))
    try:
        _write_spec(directory, file)
    except OSError:
        with contextlib.suppress(OSError):
            directory.path.rmdir()
        raise
    return directory


def create_whole(
    runs_dir: Path, file: SpecFile, fill: Callable[[RunDirectory], None]
) -> RunDirectory:
    """Make a run directory that is there with all its files, or not at all.

    Args:
        runs_dir: the folder of runs.
        file: for its `spec.json`.
        fill: writes the other files, into a hidden folder beside the runs; what it raises removes
            that.

    Returns:
        The directory under its own name; `-2`, `-3` on a clash of names.
    """
    name = _name_of(file)
    aside = RunDirectory(runs_dir / f".{os.getpid()}-{name}")
    aside.path.mkdir()
    try:
        with locked(aside.lock):
            _write_spec(aside, file)
            fill(aside)
        # An empty folder is no run, and a folder may be renamed onto one.
        return RunDirectory(aside.path.rename(_free_folder(runs_dir, name)))
    finally:
        shutil.rmtree(aside.path, ignore_errors=True)


def _name_of(file: SpecFile) -> str:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(file.created_at))
    return f"{stamp}-{re.sub(r'[^a-z0-9]+', '', file.spec.model.lower())}"


def _free_folder(runs_dir: Path, name: str) -> Path:
    """Make an empty folder of this name; `-2`, `-3` on a clash."""
    for attempt in range(1, 10_000):
        path = runs_dir / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise InputError(runs_dir, "a free name for a run", f"{name}-* all taken")


def _write_spec(directory: RunDirectory, file: SpecFile) -> None:
    if file.origin.pid == os.getpid():
        file = replace(file, process=process_identity() or "")
    write_json(directory.spec, file)


def remove_checkpoints(directory: RunDirectory) -> None:
    """Remove the checkpoints, which only an unfinished run needs."""
    shutil.rmtree(directory.checkpoints, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass as JSON, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(to_plain(value), indent=1, allow_nan=False)
    with written_whole(path) as aside:
        aside.write_text(text + "\n", encoding="ascii")


def read_json(kind: Any, path: Path, most: int, expected_format: int | None = None) -> Any:
    """Read a dataclass from a file of at most `most` bytes.

    Args:
        kind: the dataclass.
        path: of the file.
        most: bytes.
        expected_format: what the file must say under this key; None where it need not.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it cannot be read, or holds something else; the place begins with its name.
    """
    try:
        plain = json.loads(read_regular(path, most))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("", "readable JSON", reason_of(error), place=path.name) from error
    if not isinstance(plain, dict):
        raise InputError("", "a JSON object", f"{reprlib.repr(plain):.40}", place=path.name)
    found = plain.get("format")
    if expected_format is not None and found != expected_format:
        raise InputError("", f"format {expected_format}", f"{found!r:.40}", place=path.name)
    return from_plain(kind, plain, path.name)
