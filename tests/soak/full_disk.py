"""A training whose disk is full from a moment on: `python tests/soak/full_disk.py CASE RUNS HOW`.

HOW is `ballast`, a file beside RUNS that takes the room left of its file system, or `limit`, the
largest size that a file of this process may have. Whoever started it makes room again: removes the
ballast, or lifts the limit. Every event goes to standard output as a line of `events.jsonl`.
"""

from __future__ import annotations

import errno
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.protocol.events import (
    BatchEnded,
    Event,
    PhaseChanged,
    RunStarted,
    TestEnded,
    event_to_line,
)
from engine.sessions.local import Session

BALLAST = "ballast"


def in_phase(phase: str, detail: str = "") -> Callable[[Event], bool]:
    """Whether an event is the beginning of a phase."""
    return lambda event: (
        isinstance(event, PhaseChanged) and event.phase == phase and detail in event.detail
    )


@dataclass(frozen=True)
class Case:
    """What finds no room."""

    file: str
    """That the message has to name; empty where it may be any."""
    moment: Callable[[Event], bool]
    """From which event on."""
    left: int
    """Bytes left: enough for lines that are appended, say, and not for a checkpoint."""
    inodes: int | None = None
    """Files left to be made, where it is those that are missing."""
    waits: Literal["paused", "ended", ""] = "paused"
    """How the run waits for room; empty where it goes on without what it could not write."""
    model: str = "CustomCNN"


CASES = {
    "record": Case("", lambda e: isinstance(e, BatchEnded), 0),
    "metrics": Case("metrics.csv", lambda e: isinstance(e, RunStarted), 10**6, inodes=0),
    "checkpoint": Case("last.npz", in_phase("saving", "checkpoint"), 128_000),
    "predictions": Case("predictions.npz", in_phase("testing"), 12_288),
    "model": Case("model.keras", lambda e: isinstance(e, TestEnded), 128_000),
    "summary": Case(
        "summary.json", lambda e: isinstance(e, TestEnded), 10**7, inodes=1, waits="ended"
    ),
    "features": Case(
        "features", in_phase("extracting"), 64_000, waits="", model="EfficientNetLite0"
    ),
}


def spec_of(case: Case) -> RunSpec:
    """A short run; that of a backbone keeps its features on the disk."""
    options = Options(recipe="notebook", dataset="digits", epochs=(2,), train_limit=300)
    if case.model != "CustomCNN":
        options = Options(
            recipe="notebook", dataset="digits", epochs=(2,), train_limit=100, image_size=32
        )
    (spec,) = plan_runs([find_backbone(case.model)], options)
    return spec


def take_room(folder: Path, left: int, inodes: int | None) -> None:
    """Fill a small file system with a ballast, but for so many bytes and new files."""
    ballast = folder / BALLAST
    ballast.mkdir()
    state = os.statvfs(folder)
    size = state.f_bavail * state.f_frsize - left
    with (ballast / "bytes").open("wb") as file:
        if size > 0:
            os.posix_fallocate(file.fileno(), 0, size)
    made: list[Path] = []
    while inodes is not None:
        try:
            made.append(ballast / str(len(made)))
            made[-1].touch()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            for path in made[-1 - inodes : -1]:
                path.unlink()
            return


def limit_files(directory: Path, left: int) -> None:
    """Let no file grow much beyond what the lines appended so far take."""
    grown = max(path.stat().st_size for path in directory.glob("*.*") if path.suffix != ".npz")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (grown + min(left, 4_096), hard))


def main() -> None:
    """Train; exits as the session does."""
    case, runs, how = CASES[sys.argv[1]], Path(sys.argv[2]), sys.argv[3]
    is_full = False

    def sink(index: int, run_id: str, event: Event) -> None:
        nonlocal is_full
        if not is_full and case.moment(event):
            is_full = True
            if how == "limit":
                limit_files(runs / run_id, case.left)
            elif how == BALLAST:
                take_room(runs.parent, case.left, case.inodes)
        sys.stdout.write(event_to_line(event))
        sys.stdout.flush()

    session = Session([spec_of(case)], runs, sinks=[sink])
    session.start()
    session.join()
    sys.exit(session.exit_code)


if __name__ == "__main__":
    main()
