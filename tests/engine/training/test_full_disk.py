"""A disk that is full for a while: the run waits, says for what, and ends as it would have."""

from __future__ import annotations

import contextlib
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from engine.protocol.commands import Stop
from engine.protocol.events import (
    CheckpointSaved,
    EpochEnded,
    Event,
    LogLine,
    PhaseChanged,
    RunEnded,
    TestEnded,
)
from engine.runs.directory import RunDirectory
from engine.runs.listing import list_runs, read_events
from engine.sessions.local import Session
from engine.training import control
from tests.support.small_net import small_spec

pytestmark = pytest.mark.slow("a real disk limit met by each file of a run at work")

Moment = Callable[[Event], bool]
FULL: dict[str, tuple[str, Moment]] = {
    "record": ("events.jsonl", lambda e: isinstance(e, EpochEnded) and e.epoch == 1),
    "checkpoint": ("last.npz", lambda e: isinstance(e, PhaseChanged) and e.detail == "checkpoint"),
    "predictions": ("predictions.npz", lambda e: isinstance(e, PhaseChanged) and _tests(e)),
    "model": ("model.keras", lambda e: isinstance(e, TestEnded)),
    "end": ("events.jsonl", lambda e: isinstance(e, PhaseChanged) and e.detail == "model.keras"),
}
"""What finds no room: the file named, and the event after which there is none."""
ROOM_FOR_LINES = 1_500
"""Left for what is appended where it is a whole file that finds no room."""


def _tests(event: PhaseChanged) -> bool:
    return event.phase == "testing"


class FullDisk:
    """A session whose disk takes no more after a moment, until `free` is called."""

    def __init__(self, runs_dir: Path, where: str) -> None:
        self.events: list[Event] = []
        self.waits = threading.Event()
        self.file, self._moment = FULL[where]
        self._room = 0 if self.file == "events.jsonl" else ROOM_FOR_LINES
        self._runs_dir = runs_dir
        self._is_full = False
        self.session = Session([small_spec(2)], runs_dir, sinks=[self._sink], hardware=False)

    def _sink(self, index: int, run_id: str, event: Event) -> None:
        self.events.append(event)
        if not self._is_full and self._moment(event):
            self._is_full = True
            grown = (self._runs_dir / run_id).glob("*.*")
            largest = max(path.stat().st_size for path in grown if path.suffix != ".npz")
            limit_files(largest + self._room)
        if isinstance(event, LogLine) and self.file in event.text and event.level == "warning":
            self.waits.set()

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(self._runs_dir / self.session.run_ids[0])


def limit_files(size: int) -> None:
    """No file of this process may grow beyond `size` bytes: EFBIG, as SIGXFSZ is ignored."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


@contextlib.contextmanager
def any_size() -> Iterator[None]:
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        limit_files(soft)


@pytest.fixture
def full_disk(
    tmp_path: Path, small_net: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], FullDisk]]:
    """Starts a run that meets a full disk at the place named, and waits until it says so."""
    monkeypatch.setattr(control, "ROOM_POLL_SECONDS", 0.1)

    def start(where: str) -> FullDisk:
        disk = FullDisk(tmp_path, where)
        disk.session.start()
        assert disk.waits.wait(120)
        return disk

    with any_size():
        yield start


@pytest.mark.parametrize("where", FULL)
def test_the_run_waits_for_room_and_loses_nothing(
    where: str, full_disk: Callable[[str], FullDisk], tmp_path: Path
) -> None:
    disk = full_disk(where)
    assert not disk.session.join(0.5)
    limit_files(resource.RLIM_INFINITY)
    assert disk.session.join(120)
    assert disk.session.exit_code == 0
    recorded = list(read_events(disk.directory))
    kinds = [kind for kind in map(type, recorded) if kind in (EpochEnded, CheckpointSaved)]
    assert kinds == [EpochEnded, CheckpointSaved] * 2
    assert isinstance(recorded[-1], RunEnded)
    (run,) = list_runs(tmp_path).runs
    assert (run.status, run.summary.ranked) == ("completed", True)
    with np.load(disk.directory.predictions) as arrays:
        assert len(arrays["labels"]) == len(arrays["probabilities"]) > 0
    assert keras.saving.load_model(disk.directory.model).count_params() > 0
    assert not disk.directory.checkpoints.exists()
    if where == "model":
        check_words(disk)


def check_words(disk: FullDisk) -> None:
    """The pause and the warning name the file and the bytes."""
    pauses = [e for e in disk.events if isinstance(e, PhaseChanged) and e.phase == "paused"]
    warnings = [e.text for e in disk.events if isinstance(e, LogLine) and e.level == "warning"]
    words = f"{disk.directory.model}: File too large; "
    assert [pause.detail.startswith(words) for pause in pauses] == [True]
    assert pauses[0].detail.endswith("KB needed")
    assert any(text.startswith(words) and text.endswith("waits for room") for text in warnings)


def test_a_stop_ends_the_wait(full_disk: Callable[[str], FullDisk]) -> None:
    disk = full_disk("model")
    disk.session.send(Stop(when="now"))
    assert disk.session.join(120)
    assert disk.session.exit_code == 130
    assert disk.directory.checkpoints.exists()
