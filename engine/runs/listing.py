"""The runs of a folder: the folder itself, which runs it holds, what became of each."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from engine.common.faults import Faults
from engine.common.processes import process_identity
from engine.common.regular_file import reason_of
from engine.common.text import printable
from engine.config.ensemble import Ensemble
from engine.errors import InputError
from engine.protocol.events import Event, RunEnded, RunStatus
from engine.runs.directory import FORMAT, RunDirectory, SpecFile, is_a_runs_name, read_json
from engine.runs.lock import holder
from engine.runs.reading import last_phase, read_recorded, read_thinned
from engine.runs.summary import MOST, Summary, check_summary
from engine.state.snapshot import RunSnapshot, Status
from engine.state.store import RunStore

OVER = ("completed", "stopped", "failed", "interrupted")
"""The states of a run that records nothing more, unless it is resumed."""
MAX_JSON_BYTES = 4 * 2**20
"""A queue of a thousand models takes 1 MB of `spec.json`."""
NAMES = ("model", "dataset", "recipe", "weights")
MAX_NAME_LENGTH = 1_000
MAX_ERROR_LENGTH = 2_000
MAX_EPOCHS_IN_ALL = 10**6
MAX_MEMBERS = 1_000
MAX_SIZE = 10**6
"""Of a batch, and of an image's side."""
LATEST_SECOND = 1e11
HEARTBEAT_LOST_SECONDS = 30.0
"""HardwareSampled is recorded every 5 s; after six missed ones the process is gone."""


def derived_end(record: RunRecord, time: float) -> RunEnded | None:
    """Return the end of a run whose record has none: killed, or its last line lost; None if alive.

    Args:
        record: as it is on disk now.
        time: Unix second of the last event.
    """
    if record.status not in OVER:
        return None
    status = cast(RunStatus, record.status)
    return RunEnded(time=time, status=status, error=record.summary.error)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run on disk, as far as its small files show."""

    directory: RunDirectory
    file: SpecFile
    status: Status
    summary: Summary
    is_paused: bool = False
    """Whether it is alive and waits to be continued."""

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.directory.run_id

    @property
    def state(self) -> str:
        """The status as users name it: `paused` too."""
        return "paused" if self.is_paused else self.status


@dataclass(frozen=True, slots=True)
class RunListing:
    """All runs of a folder, newest first, and what could not be read."""

    runs: tuple[RunRecord, ...] = ()
    broken: tuple[str, ...] = ()
    """One line per directory: its name and what is wrong with it."""


def list_runs(runs_dir: Path) -> RunListing:
    """Return every run in a folder, newest first; unreadable directories are named in `broken`.

    Folders that hold neither a `spec.json` nor a record are not runs and are skipped.
    """
    runs, broken = [], []
    for path in (runs_dir / name for name in folder_names(runs_dir)):
        try:
            run = load_if_run(path)
        except InputError as error:
            broken.append(broken_line(path, error))
        else:
            runs += [run] if run is not None else []
    runs.sort(key=lambda run: (run.file.created_at, run.run_id), reverse=True)
    return RunListing(tuple(runs), tuple(broken))


def broken_line(path: Path, error: InputError) -> str:
    """Return what a listing says of a folder that cannot be read."""
    return f"{printable(path.name)}: {printable(str(error))[:MAX_ERROR_LENGTH]}"


def folder_names(runs_dir: Path) -> list[str]:
    """Return the folders that may be runs, in order; none where `runs_dir` cannot be read."""
    try:
        with os.scandir(runs_dir) as entries:
            return sorted(entry.name for entry in entries if _is_directory(entry))
    except OSError:
        return []


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return is_a_runs_name(entry.name) and entry.is_dir()
    except OSError:  # a link that points back to itself
        return False


def _is_run(path: Path) -> bool:
    directory = RunDirectory(path)
    for file in (directory.spec, directory.events):
        try:
            file.lstat()  # a link that leads nowhere is a broken run
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError("", "a folder that can be read", reason_of(error)) from error
        return True
    return False


def load_if_run(path: Path) -> RunRecord | None:
    """Read the small files of what may be a run; None where it is not one.

    Raises:
        InputError: it is a run and cannot be read.
    """
    return load_run(path) if _is_run(path) else None


def load_run(path: Path, quiet_seconds: float | None = None) -> RunRecord:
    """Read the small files of a run.

    Args:
        path: its folder.
        quiet_seconds: for how long its record was seen not to change; None for a caller that has
            not watched it, for which the file's time counts. For a run of this machine its process
            decides.

    Raises:
        InputError: `spec.json` or `summary.json` cannot be read, or the folder's name cannot be
                shown.
    """
    directory = RunDirectory(path)
    file: SpecFile = _read(SpecFile, directory.spec, FORMAT)
    _check_file(file)
    file = _shown(file)
    if not path.name.isprintable():
        raise InputError("", "a name that can be shown", f"{path.name!r:.80}", "rename the folder")
    try:
        # A dangling link counts as a summary too, so that the end of a run is not lost.
        os.lstat(directory.summary)
    except OSError:
        return _unfinished(directory, file, quiet_seconds)
    summary: Summary = _read(Summary, directory.summary)
    check_summary(summary)
    if summary.status not in ("completed", "failed") and holder(directory.lock) is not None:
        return _unfinished(directory, file, quiet_seconds)  # it was resumed
    summary = replace(summary, error=printable(summary.error)[:MAX_ERROR_LENGTH])
    return RunRecord(directory, file, summary.status, summary)


def _unfinished(directory: RunDirectory, file: SpecFile, quiet_seconds: float | None) -> RunRecord:
    if not _is_alive(directory, file, quiet_seconds):
        return RunRecord(directory, file, "interrupted", Summary("interrupted"))
    is_paused = last_phase(directory.events) == "paused"
    return RunRecord(directory, file, "running", Summary("running"), is_paused)


def _shown(file: SpecFile) -> SpecFile:
    """Return the file with names that neither a terminal nor a title's markup obeys."""
    names: dict[str, Any] = {key: getattr(file.spec, key) for key in NAMES}
    clean: dict[str, Any] = {key: _clean(name) for key, name in names.items()}
    if (ensemble := file.spec.ensemble) is not None:
        names["ensemble"] = ensemble
        clean["ensemble"] = replace(
            ensemble,
            members=tuple(
                replace(member, run_id=_clean(member.run_id), model=_clean(member.model))
                for member in ensemble.members
            ),
            left_out=tuple(map(_clean, ensemble.left_out)),
        )
    return file if clean == names else replace(file, spec=replace(file.spec, **clean))


def _clean(name: str) -> str:
    return printable(name).replace("[", "(")


def _check_file(file: SpecFile) -> None:
    """Reject a spec that fits its types but that this program cannot have written."""
    spec = file.spec
    lengths = [(f"{key}, in characters", len(getattr(spec, key))) for key in NAMES]
    for key, figure, least, most in (
        *((key, length, 1, MAX_NAME_LENGTH) for key, length in lengths),
        ("created_at", file.created_at, 0, LATEST_SECOND),
        ("epochs", spec.epochs, 0 if spec.ensemble else 1, MAX_EPOCHS_IN_ALL),
        *_figures(spec.ensemble),
        ("batch_size", spec.batch_size, 1, MAX_SIZE),
        ("image_size", spec.image_size, 1, MAX_SIZE),
    ):
        if not least <= figure <= most:
            place = f"spec.json: {key}"
            raise InputError("", f"{least} to {most:g}", f"{figure:.12g}", place=place)
    for stage in spec.stages:
        if not math.isfinite(stage.learning_rate):
            found = f"{stage.learning_rate}"
            raise InputError("", "a learning rate for each stage", found, place="spec.json")


def _figures(ensemble: Ensemble | None) -> Iterator[tuple[str, float, float, float]]:
    """Yield the figures of an ensemble, each with its name, its least and its largest value."""
    if ensemble is None:
        return
    yield "ensemble.members", len(ensemble.members), 1, MAX_MEMBERS
    yield "ensemble.validation_images", ensemble.validation_images, 0, MOST
    for member in ensemble.members:
        yield "ensemble.members.weight", member.weight, 0, 1
        yield "ensemble.members.train_seconds", member.train_seconds, 0, MOST
        yield "ensemble.members.wall_seconds", member.wall_seconds, 0, MOST


def load_snapshot(record: RunRecord) -> RunSnapshot:
    """Replay a run's record into the snapshot that its screen would show.

    A huge record is thinned first; events of a damaged one that make no sense are left out.
    """
    spec, faults = record.file.spec, Faults(record.run_id)
    store = RunStore(record.run_id, spec)
    replay(store, read_thinned(record.directory.events), faults)
    with faults.told("summing it up"):
        return store.snapshot()
    return RunSnapshot(record.run_id, spec, status=record.status, epochs=spec.epochs)


def replay(store: RunStore, events: Iterable[Event], faults: Faults) -> None:
    """Apply recorded events; those on which the store fails are logged as faults and left out."""
    for event in events:
        with faults.told(f"taking in {type(event).__name__}"):
            store.apply(event)


def read_events(directory: RunDirectory) -> Iterator[Event]:
    """Yield the events of a record; torn or damaged lines and a newer program's are skipped."""
    return read_recorded(directory.events)


def _read(kind: Any, path: Path, expected_format: int | None = None) -> Any:
    try:
        return read_json(kind, path, MAX_JSON_BYTES, expected_format)
    except FileNotFoundError as error:
        raise InputError("", "a file", "none", place=path.name) from error


def _is_alive(directory: RunDirectory, file: SpecFile, quiet_seconds: float | None) -> bool:
    import socket

    if holder(directory.lock) is not None:
        return True
    if file.origin.host == socket.gethostname():
        if file.process:
            return process_identity(file.origin.pid) == file.process
        return _was_there_before(file.origin.pid, file.created_at)
    if quiet_seconds is not None:
        return quiet_seconds < HEARTBEAT_LOST_SECONDS
    try:
        return time.time() - directory.events.stat().st_mtime < HEARTBEAT_LOST_SECONDS
    except OSError:
        return False


def _was_there_before(pid: int, second: float) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).create_time() <= second + 1)
    except (psutil.Error, OSError, ValueError, OverflowError):
        return False


def check_exported(run: RunRecord) -> None:
    """Reject a run that has exported no model.

    Raises:
        InputError: it has none; says its state, and what to do.
    """
    if run.directory.model.is_file():
        return
    ways = {
        "running": "wait for its end",
        "paused": "continue it, and wait for its end",
        "completed": "its model.keras was removed; train it again",
        "failed": "train it again",
    }
    hint = ways.get(run.state, f"`cifar-tui resume {run.run_id}` resumes it")
    found = f"one that is {run.state} and has none"
    raise InputError("", "a finished run with its model.keras", found, hint, run.run_id)
