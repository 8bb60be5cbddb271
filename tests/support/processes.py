"""Real processes of the program: starting them, waiting for them, reading what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "tui")
SECONDS = 240
"""Time within which anything that a test waits for happens, on a busy machine."""
TRAIN = ("train", "CustomCNN", "--dataset", "cifar10-mini", "--train-limit", "100")
"""The smallest training; without `--epochs` yet."""


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not come true in {seconds} s"
        time.sleep(0.01)


def is_gone(process: psutil.Process) -> bool:
    """Return whether a process has ended; an orphan that is not reaped stays a zombie."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def has_trained(runs_dir: Path) -> bool:
    """Return whether the run in this folder has ended an epoch."""
    return bool(list(runs_dir.glob("*/metrics.csv")))


def summary(runs_dir: Path) -> Any:
    """Return `summary.json` of the only run in this folder."""
    (path,) = runs_dir.glob("*/summary.json")
    return json.loads(path.read_text())


def on_terminals(process: psutil.Process) -> list[str]:
    """Return the files that a process has open on a terminal."""
    files = [os.readlink(file) for file in Path(f"/proc/{process.pid}/fd").iterdir()]
    return [file for file in files if file.startswith(("/dev/pts", "/dev/tty"))]


def call(
    *arguments: str, cwd: Path | None = None, program: Sequence[str] = PROGRAM, **added: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with `added` on top of the environment."""
    return subprocess.run(
        [*program, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **added},
        timeout=2 * SECONDS,
    )


def call_bare(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    program: Sequence[str] = PROGRAM,
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end in `folder`, with a minimal environment."""
    variables = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **(environment or {})}
    return subprocess.run(
        [*program, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=variables,
        timeout=SECONDS,
    )
