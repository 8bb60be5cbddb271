"""Run directories: create, list, load. The only module that knows the names of their files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.common.atomic import written_whole
from engine.common.codec import to_plain
from engine.common.processes import process_identity
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.machine.provenance import Origin

FORMAT = 1
TRASH = ".trash"
"""Folder in the folder of runs for those that the user removed."""


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
    def images(self) -> Path:
        return self.path / "images.json"

    @property
    def model(self) -> Path:
        return self.path / "model.keras"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def notes(self) -> Path:
        return self.path / "notes.json"

    @property
    def commands(self) -> Path:
        return self.path / "commands.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "run.log"

    @property
    def lock(self) -> Path:
        return self.path / "lock"


def open_runs_dir(path: Path) -> Path:
    """Make the runs folder if it is missing, and check that it can be written.

    Raises:
        InputError: it cannot be made or written.
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
        if file.origin.pid == os.getpid():
            file = replace(file, process=process_identity() or "")
        try:
            write_json(directory.spec, file)
        except OSError:
            with contextlib.suppress(OSError):
                path.rmdir()
            raise
        return directory
    raise InputError(f"expected a free name for a run in {runs_dir}, found {base}-* all taken")


def remove_checkpoints(directory: RunDirectory) -> None:
    """Remove the checkpoints, which only an unfinished run needs."""
    shutil.rmtree(directory.checkpoints, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass as JSON, whole or not at all."""
    text = json.dumps(to_plain(value), indent=1, allow_nan=False)
    with written_whole(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")
