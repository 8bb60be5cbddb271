"""What SIGTERM and a terminal that closes do to real trainings, with a screen and without.

What the program makes of each signal is proven in `tests/tui/cli/test_controlling_terminal.py`.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pseudo_terminal import Terminal

from tests.support.processes import (
    SECONDS,
    TRAIN,
    has_trained,
    is_gone,
    on_terminals,
    summary,
    until,
)

pytestmark = pytest.mark.slow("that a real training obeys signals, and its terminal that goes")

LONG = [*TRAIN, "--epochs", "5000"]
SHORT = [*TRAIN, "--epochs", "3"]
LEFT_SCREEN = b"\x1b[?1049l"
GRACE = 20
PR_SET_CHILD_SUBREAPER = 36
Start = Callable[..., psutil.Popen]


class Screen(Terminal):
    """The program in a terminal that can close."""

    def __init__(self, arguments: list[str], started: list[psutil.Process]) -> None:
        super().__init__(arguments)
        self.parent = psutil.Process(self.process)
        started.append(self.parent)
        self._started = started

    def child(self) -> psutil.Process:
        """The process that draws and trains."""
        (child,) = self.parent.children()
        self._started.append(child)
        return child

    def until(self, condition: Callable[[], object]) -> None:
        """Wait, reading what is drawn."""
        until(lambda: self.read(0.01) and condition())

    def status(self, seconds: float = SECONDS) -> int:
        """The exit status of the process that the shell waits for, after a hang-up."""
        return int(self.parent.wait(timeout=seconds))


def test_sigterm_interrupts_with_a_checkpoint(tmp_path: Path, start: Start) -> None:
    process = start(*LONG, "--plain", "--runs-dir", str(tmp_path))
    until(lambda: has_trained(tmp_path))
    process.terminate()
    assert process.wait(timeout=GRACE) == 143
    assert summary(tmp_path)["status"] == "interrupted"
    assert list(tmp_path.glob("*/checkpoints/last*"))


def test_sigterm_while_tensorflow_loads(tmp_path: Path, start: Start) -> None:
    process = start(*LONG, "--json", "--runs-dir", str(tmp_path))
    until(lambda: list(tmp_path.glob("*/events.jsonl")))
    process.terminate()
    assert process.wait(timeout=GRACE) == 143
    assert summary(tmp_path)["status"] == "interrupted"
    assert not has_trained(tmp_path)


def test_sigterm_under_the_screen_gives_the_terminal_back_first(
    tmp_path: Path, started: list[psutil.Process]
) -> None:
    screen = Screen([*LONG, "--runs-dir", str(tmp_path)], started)
    screen.until(lambda: has_trained(tmp_path))
    # As a scheduler does: to each process of the job.
    os.killpg(screen.process, signal.SIGTERM)
    assert screen.close() == 143
    after = screen.drawn.rpartition(LEFT_SCREEN)[2]
    assert b"interrupted" in after
    assert b"Traceback" not in screen.drawn
    assert summary(tmp_path)["status"] == "interrupted"
    assert list(tmp_path.glob("*/checkpoints/last*"))


@pytest.fixture
def adopts() -> Iterator[None]:
    """Processes whose parent ends become this one's, so that their exit status can be read."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


@pytest.mark.usefixtures("adopts")
def test_a_training_outlives_its_terminal(tmp_path: Path, started: list[psutil.Process]) -> None:
    screen = Screen([*SHORT, "--runs-dir", str(tmp_path)], started)
    screen.until(lambda: list(tmp_path.glob("*/events.jsonl")))
    child = screen.child()
    screen.hang_up()
    assert screen.status(GRACE) == 0
    assert not list(tmp_path.glob("*/summary.json"))
    assert os.getsid(child.pid) == child.pid
    assert on_terminals(child) == []
    assert os.waitpid(child.pid, 0)[1] == 0
    assert summary(tmp_path)["status"] == "completed"
    (log,) = tmp_path.glob("*/run.log")
    assert "epoch 3/3 ended" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.usefixtures("adopts")
def test_a_training_that_was_detached_is_interrupted_by_sigterm(
    tmp_path: Path, started: list[psutil.Process]
) -> None:
    screen = Screen([*LONG, "--runs-dir", str(tmp_path)], started)
    screen.until(lambda: has_trained(tmp_path))
    child = screen.child()
    screen.hang_up()
    assert screen.status(GRACE) == 0
    child.terminate()
    until(lambda: is_gone(child), GRACE)
    assert os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]) == 143
    assert summary(tmp_path)["status"] == "interrupted"
    assert list(tmp_path.glob("*/checkpoints/last*"))


def test_a_terminal_that_goes_can_interrupt(tmp_path: Path, started: list[psutil.Process]) -> None:
    arguments = [*LONG, "--on-hangup", "checkpoint", "--runs-dir", str(tmp_path)]
    screen = Screen(arguments, started)
    screen.until(lambda: has_trained(tmp_path))
    child = screen.child()
    screen.hang_up()
    assert screen.status(GRACE) == 143
    until(lambda: is_gone(child), GRACE)
    assert summary(tmp_path)["status"] == "interrupted"
    assert list(tmp_path.glob("*/checkpoints/last*"))


@pytest.mark.parametrize(
    ("on_hangup", "status", "ending"),
    [("continue", 0, "completed"), ("checkpoint", 143, "interrupted")],
)
def test_without_a_screen_it_continues_or_interrupts_too(
    on_hangup: str, status: int, ending: str, tmp_path: Path, started: list[psutil.Process]
) -> None:
    terminal = Screen(
        [*SHORT, "--plain", "--on-hangup", on_hangup, "--runs-dir", str(tmp_path)], started
    )
    terminal.wait_for("loading", SECONDS)
    terminal.hang_up()
    assert terminal.status() == status
    assert summary(tmp_path)["status"] == ending


def test_under_nohup_what_goes_to_a_file_is_written_to_the_end(
    tmp_path: Path, start: Start
) -> None:
    """It outdoes even the option."""
    with (tmp_path / "train.log").open("w") as log:
        process = start(
            *SHORT,
            *("--plain", "--on-hangup", "checkpoint", "--runs-dir", str(tmp_path / "runs")),
            stdout=log,
            stderr=log,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        )
    until(lambda: list(tmp_path.glob("runs/*/events.jsonl")))
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=SECONDS) == 0
    assert "most accurate: CustomCNN" in (tmp_path / "train.log").read_text()
