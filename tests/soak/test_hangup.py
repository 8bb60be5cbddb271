"""A terminal that closes at 20 random moments of a training; minutes, so run by hand.

Afterwards another terminal shows the record. `TRIALS=5 pytest tests/soak/test_hangup.py`: fewer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pseudo_terminal import Terminal

from tests.support.processes import SECONDS, is_gone, until

TRAIN = ["train", "CustomCNN", "--dataset", "digits", "--train-limit", "200", "--epochs", "8"]
TERMINAL_SECONDS = 10
"""In which the process that the shell waits for has to end, on a busy machine."""


def begin(runs_dir: Path) -> Terminal:
    """Start a training; its run's directory is there."""
    terminal = Terminal([*TRAIN, "--runs-dir", str(runs_dir)])
    deadline = time.monotonic() + SECONDS
    while not list(runs_dir.glob("*/events.jsonl")):
        assert time.monotonic() < deadline
        terminal.read(0.01)
    return terminal


@pytest.fixture(scope="module")
def whole_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What a training takes whose terminal stays, from its directory to its summary."""
    runs_dir = tmp_path_factory.mktemp("whole")
    terminal = begin(runs_dir)
    began = time.monotonic()
    terminal.wait_for("The queue has ended", SECONDS)
    seconds = time.monotonic() - began
    terminal.press("q")
    assert terminal.close() == 0
    return seconds


@pytest.mark.parametrize("trial", range(int(os.environ.get("TRIALS", "20"))))
def test_the_training_ends_and_leaves_no_process(
    trial: int, tmp_path: Path, whole_seconds: float
) -> None:
    terminal = begin(tmp_path)
    waiting = psutil.Process(terminal.process)
    (training,) = waiting.children()
    try:
        moment = time.monotonic() + random.Random(trial).uniform(0, whole_seconds)
        while (left := moment - time.monotonic()) > 0:
            terminal.read(left)
        terminal.hang_up()
        if trial % 2:
            # As a shell tells its jobs, and the kernel the foreground ones.
            for number in (signal.SIGHUP, signal.SIGCONT):
                with suppress(ProcessLookupError):
                    os.killpg(terminal.process, number)
        assert waiting.wait(timeout=TERMINAL_SECONDS) == 0
        until(lambda: is_gone(training), SECONDS)
    finally:
        for process in (waiting, training):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    (path,) = tmp_path.glob("*/summary.json")
    assert json.loads(path.read_text())["status"] == "completed"
    log = (path.parent / "run.log").read_text()
    assert "Traceback" not in log
    last = (path.parent / "events.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "RunEnded"
    attach_shows_the_record(path.parent)


def attach_shows_the_record(run: Path) -> None:
    """Another terminal, afterwards: a recording of the whole run, which nothing controls."""
    terminal = Terminal(["attach", run.name, "--runs-dir", str(run.parent)])
    terminal.wait_for("The queue has ended", SECONDS)
    terminal.wait_for("1 of 1 ended", SECONDS)
    terminal.wait_for("completed", SECONDS)
    terminal.press("q")
    assert terminal.close() == 0
    assert b"Traceback" not in terminal.drawn
