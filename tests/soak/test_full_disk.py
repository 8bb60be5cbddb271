"""A disk that is full while one kind of file is written: nothing is lost, the run waits and ends.

By hand: `pytest tests/soak/test_full_disk.py -s`; half a minute a case on two cores. A small file
system is mounted for it, which only root may do; the limit of a file's size needs no rights. What
each run predicts in the end is compared, byte for byte, with that of one whose disk had room.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np
import pytest

from engine.runs.directory import RunDirectory
from engine.runs.listing import load_run, read_events
from tests.soak.full_disk import BALLAST, CASES, Case

SECONDS = 120
DISK = "size=64m,nr_inodes=400"
STANDS_STILL_SECONDS = 5
"""More than twice what lies between two tries to write."""
THINNED = ("BatchEnded", "PhaseProgressed", "HardwareSampled", "LogLine")
ON_DISK = tuple(CASES)
LIMITED = ("record", "checkpoint", "predictions", "model")
Plain = dict[str, Any]


class Training:
    """The program in a process of its own, and what it says."""

    def __init__(self, case: str, runs: Path, how: str) -> None:
        command = [sys.executable, "tests/soak/full_disk.py", case, str(runs), how]
        cache = {"CIFAR_TUI_CACHE": str(runs.parent / "cache")}
        environment = {**os.environ, "PYTHONPATH": ".", **cache}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.events: list[Plain] = []
        self._said: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(line)

    def listen(self, seconds: float) -> Plain | None:
        """The next event, if it comes in time."""
        try:
            event: Plain = json.loads(self._said.get(timeout=seconds))
        except Empty:
            return None
        self.events.append(event)
        return event

    def until(self, condition: Callable[[Plain], bool]) -> Plain:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            event = self.listen(0.5)
            if event is not None and condition(event):
                return event
            assert event is not None or self.process.poll() is None, self.told()
        raise AssertionError(f"it did not come: {self.told()}")

    def told(self) -> list[Plain]:
        """The last of what was said, but for figures."""
        quiet = ("BatchEnded", "PhaseProgressed", "HardwareSampled")
        return [event for event in self.events if event["event"] not in quiet][-8:]

    def end(self) -> int:
        """The exit status, when all that it says has been heard."""
        code = self.process.wait(SECONDS)
        while self.listen(0.5) is not None:
            pass
        return code


def run_of(runs: Path) -> RunDirectory:
    (path,) = runs.iterdir()
    return RunDirectory(path)


def probabilities(directory: RunDirectory) -> bytes:
    with np.load(directory.predictions) as arrays:
        return bytes(arrays["probabilities"].tobytes())


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """What a model predicts when its disk has room."""
    made: dict[str, bytes] = {}

    def train(model: str) -> bytes:
        if model not in made:
            runs = tmp_path_factory.mktemp(model) / "runs"
            runs.mkdir()
            case = next(name for name, case in CASES.items() if case.model == model)
            assert Training(case, runs, "nothing").end() == 0
            made[model] = probabilities(run_of(runs))
        return made[model]

    return train


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 64 MB."""
    if os.geteuid() != 0:
        pytest.skip("a small file system: only root may mount one")
    at = tmp_path / "disk"
    at.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "none", str(at)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    (at / "runs").mkdir()
    yield at
    subprocess.run(["umount", "--lazy", str(at)], check=True)


def tells_full(event: Plain, case: Case) -> bool:
    """Whether an event says that the run's file found no room, and how much it needs."""
    if event["event"] != "LogLine" or event["level"] != "warning":
        return False
    return case.file in event["text"] and ("needed" in event["text"] or not case.waits)


def stands_still(training: Training) -> None:
    """Nothing happens until there is room again; the process lives."""
    until = time.monotonic() + STANDS_STILL_SECONDS
    while time.monotonic() < until:
        event = training.listen(0.2)
        assert event is None or event["event"] in THINNED, event
    assert training.process.poll() is None


def nothing_is_lost(directory: RunDirectory, training: Training, predicted: bytes) -> None:
    """All that was said is on record in its order, and the run is whole."""
    recorded = [type(event).__name__ for event in read_events(directory)]
    said = [event["event"] for event in training.events]
    assert [kind for kind in recorded if kind not in THINNED] == [
        kind for kind in said if kind not in THINNED
    ]
    assert load_run(directory.path).status == "completed"
    assert len(directory.metrics.read_text().splitlines()) == 3
    assert probabilities(directory) == predicted
    assert directory.model.exists()
    assert not directory.checkpoints.exists()
    assert not [path.name for path in directory.path.glob(".*")]


def waits_and_goes_on(name: str, training: Training, make_room: Callable[[], None]) -> None:
    case = CASES[name]
    told = training.until(lambda event: tells_full(event, case))
    print(f"\n{name}: {told['text']}")
    if case.waits == "paused":
        pause = training.until(lambda event: event.get("phase") == "paused")
        assert "needed" in pause["detail"]
    elif case.waits == "ended":
        training.until(lambda event: event["event"] == "RunEnded")
    if case.waits:
        stands_still(training)
    make_room()
    assert training.end() == 0


@pytest.mark.parametrize("name", ON_DISK)
def test_a_full_disk(name: str, small_disk: Path, expected: Callable[[str], bytes]) -> None:
    predicted = expected(CASES[name].model)
    runs = small_disk / "runs"
    training = Training(name, runs, BALLAST)
    try:
        waits_and_goes_on(name, training, lambda: shutil.rmtree(small_disk / BALLAST))
    finally:
        training.process.kill()
    nothing_is_lost(run_of(runs), training, predicted)


@pytest.mark.parametrize("name", LIMITED)
def test_a_limit_of_the_file_size(
    name: str, tmp_path: Path, expected: Callable[[str], bytes]
) -> None:
    predicted = expected(CASES[name].model)
    runs = tmp_path / "runs"
    runs.mkdir()
    training = Training(name, runs, "limit")

    def lift() -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(training.process.pid, resource.RLIMIT_FSIZE, unlimited)

    try:
        waits_and_goes_on(name, training, lift)
    finally:
        training.process.kill()
    nothing_is_lost(run_of(runs), training, predicted)


@pytest.mark.parametrize("name", ["record", "checkpoint", "model"])
def test_killed_while_it_waits(
    name: str, small_disk: Path, expected: Callable[[str], bytes]
) -> None:
    predicted = expected(CASES[name].model)
    runs = small_disk / "runs"
    training = Training(name, runs, BALLAST)
    training.until(lambda event: tells_full(event, CASES[name]))
    training.process.kill()
    training.process.wait()
    shutil.rmtree(small_disk / BALLAST)
    resume = [sys.executable, "-m", "tui", "resume", "--plain", "--runs-dir", str(runs)]
    assert subprocess.run(resume, capture_output=True).returncode == 0
    directory = run_of(runs)
    assert load_run(directory.path).status == "completed"
    assert probabilities(directory) == predicted
