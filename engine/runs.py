"""Run directories: create, list, load. The only module that knows the names of their files."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import written_whole
from engine.codec import from_plain, to_plain
from engine.config import RunSpec
from engine.errors import InputError
from engine.events import Event, event_from_line
from engine.origin import Origin
from engine.snapshot import RunSnapshot, Status
from engine.store import RunStore
from engine.summary import Summary

FORMAT = 1
MAX_JSON_BYTES = 16 * 2**20
HEARTBEAT_LOST_SECONDS = 30.0
"""HardwareSampled stands in the record every 5 s; six missed ones and the process is gone."""


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


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The files of one run by name."""

    path: Path

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def spec(self) -> Path:
        return self.path / "spec.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.npz"

    @property
    def model(self) -> Path:
        return self.path / "model.keras"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def commands(self) -> Path:
        return self.path / "commands.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "run.log"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run on disk, as far as its small files tell."""

    directory: RunDirectory
    file: SpecFile
    status: Status
    summary: Summary

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.directory.run_id


@dataclass(frozen=True, slots=True)
class RunListing:
    """All runs of a folder, newest first, and what could not be read."""

    runs: tuple[RunRecord, ...] = ()
    broken: tuple[str, ...] = ()
    """One line a directory: its name and what is wrong with it."""


def open_runs_dir(path: Path) -> Path:
    """Make the runs folder where it is not there and check that it can be written.

    Raises:
        InputError: it cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"expected a writable folder for runs, found {path} ({error.strerror}); "
            "choose another with --runs-dir"
        ) from error
    return path


def create_run(runs_dir: Path, file: SpecFile) -> RunDirectory:
    """Make a new run directory with its `spec.json`; `-2`, `-3` on a clash of names."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(file.created_at))
    base = f"{stamp}-{re.sub(r'[^a-z0-9]+', '', file.spec.model.lower())}"
    for attempt in range(1, 10_000):
        path = runs_dir / (base if attempt == 1 else f"{base}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        directory = RunDirectory(path)
        write_json(directory.spec, file)
        return directory
    raise InputError(f"expected a free name for a run in {runs_dir}, found {base}-* all taken")


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass as JSON, whole or not at all."""
    text = json.dumps(to_plain(value), indent=1, allow_nan=False)
    with written_whole(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def list_runs(runs_dir: Path) -> RunListing:
    """Every run in a folder, newest first; directories that cannot be read are named in `broken`.

    Folders without a `spec.json` are no runs and are passed over.
    """
    runs, broken = [], []
    for path in _directories(runs_dir):
        if not (path / "spec.json").is_file():
            continue
        try:
            runs.append(load_run(path))
        except InputError as error:
            broken.append(f"{path.name}: {error}")
    runs.sort(key=lambda run: (run.file.created_at, run.run_id), reverse=True)
    return RunListing(tuple(runs), tuple(broken))


def _directories(runs_dir: Path) -> list[Path]:
    try:
        with os.scandir(runs_dir) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return []


def load_run(path: Path) -> RunRecord:
    """Read the small files of a run.

    Raises:
        InputError: `spec.json` or `summary.json` cannot be read.
    """
    directory = RunDirectory(path)
    plain = _read_json(directory.spec)
    if plain.get("format") != FORMAT:
        raise InputError(f"expected format {FORMAT}, found {plain.get('format')!r:.20}")
    file: SpecFile = from_plain(SpecFile, plain, "spec.json")
    if not directory.summary.exists():
        status: Status = "running" if _is_alive(directory, file) else "interrupted"
        return RunRecord(directory, file, status, Summary(status))
    summary: Summary = from_plain(Summary, _read_json(directory.summary), "summary.json")
    return RunRecord(directory, file, summary.status, summary)


def load_snapshot(record: RunRecord) -> RunSnapshot:
    """Replay a run's record into the snapshot that its screen would show."""
    store = RunStore(record.run_id, record.file.spec)
    for event in read_events(record.directory):
        store.apply(event)
    return store.snapshot()


def read_events(directory: RunDirectory) -> Iterator[Event]:
    """The events of a record; torn or damaged lines, and a newer program's, are passed over."""
    try:
        with directory.events.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    return
                try:
                    event = event_from_line(line)
                except InputError:
                    continue
                if event is not None:
                    yield event
    except OSError:
        return


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(f"expected {path.name} of at most 16 MiB")
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read ({type(error).__name__})") from error
    if not isinstance(plain, dict):
        raise InputError(f"expected an object in {path.name}")
    return plain


def _is_alive(directory: RunDirectory, file: SpecFile) -> bool:
    import socket

    if file.origin.host == socket.gethostname():
        import psutil

        try:
            return bool(psutil.Process(file.origin.pid).create_time() <= file.created_at + 1)
        except psutil.Error:
            return False
    try:
        return time.time() - directory.events.stat().st_mtime < HEARTBEAT_LOST_SECONDS
    except OSError:
        return False
