"""The whole program in a real pseudo-terminal: a session on the screen, and what is left after."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from pseudo_terminal import Terminal

TRAIN = ["train", "CustomCNN", "--dataset", "digits", "--epochs", "1", "--train-limit", "100"]
LONG = [*TRAIN[:4], "--epochs", "500"]
LEFT_SCREEN = b"\x1b[?1049l"
SECONDS = 240


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not come true in {SECONDS} s"
        time.sleep(0.02)


def is_gone(process: psutil.Process) -> bool:
    # An orphan that nobody reaps stays as a zombie.
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def summary(runs_dir: Path) -> Any:
    (path,) = runs_dir.glob("*/summary.json")
    return json.loads(path.read_text())


def child_of(terminal: Terminal) -> psutil.Process:
    """The process that draws; the terminal's own only waits for it."""
    (child,) = psutil.Process(terminal._pid).children()
    return child


@pytest.fixture
def leave_running() -> Iterator[Callable[..., psutil.Process]]:
    """Presses the keys that leave a training running; gives its process, ended with the test."""
    left: list[psutil.Process] = []

    def leave(terminal: Terminal, first: str = "q", then: str = "h") -> psutil.Process:
        left.append(child_of(terminal))
        terminal.press(first)
        terminal.wait_for("Leave it running", SECONDS)
        terminal.press(then)
        terminal.wait_for("commands.jsonl", SECONDS)
        assert terminal.close() == 0
        return left[-1]

    yield leave
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_a_session_is_shown_and_its_ranking_stays_on_the_normal_screen(tmp_path: Path) -> None:
    terminal = Terminal([*TRAIN, "--runs-dir", str(tmp_path)])
    terminal.wait_for("loading", 60)
    terminal.wait_for("The queue has ended", SECONDS)
    terminal.press("q")
    assert terminal.close() == 0
    shown, _, after = terminal.drawn.rpartition(LEFT_SCREEN)
    assert b"Traceback" not in terminal.drawn
    assert b"CustomCNN" in shown
    assert b"most accurate: CustomCNN" in after
    assert summary(tmp_path)["status"] == "completed"


def test_quitting_stops_the_training_and_gives_the_terminal_back(tmp_path: Path) -> None:
    terminal = Terminal([*LONG, "--runs-dir", str(tmp_path)])
    terminal.wait_for("training", SECONDS)
    terminal.press("q")
    terminal.wait_for("Stop now and quit", SECONDS)
    terminal.press("n")
    assert terminal.close() == 130
    assert LEFT_SCREEN in terminal.drawn
    assert summary(tmp_path)["status"] == "stopped"


@pytest.mark.parametrize("keys", [("\x03", "\x03"), ("q", "\r")])
def test_leaving_in_a_hurry_leaves_the_training_whole(
    tmp_path: Path, leave_running: Callable[..., psutil.Process], keys: tuple[str, str]
) -> None:
    terminal = Terminal([*TRAIN, "--epochs", "2", "--runs-dir", str(tmp_path)])
    terminal.wait_for("loading", SECONDS)
    process = leave_running(terminal, *keys)
    until(lambda: is_gone(process))
    assert summary(tmp_path)["status"] == "completed"
    assert summary(tmp_path)["ranked"]


def test_a_training_that_is_left_while_it_loads_completes(
    tmp_path: Path, leave_running: Callable[[Terminal], psutil.Process]
) -> None:
    terminal = Terminal([*TRAIN, "--epochs", "2", "--runs-dir", str(tmp_path)])
    terminal.wait_for("loading", SECONDS)
    process = leave_running(terminal)
    until(lambda: is_gone(process))
    after = terminal.drawn.rpartition(LEFT_SCREEN)[2].decode()
    assert f"CustomCNN goes on training without a screen (process {process.pid})." in after
    assert "accurate" not in after
    assert summary(tmp_path)["status"] == "completed"
    (run,) = tmp_path.iterdir()
    assert "epoch 2/2 ended" in (run / "run.log").read_text()
    last = (run / "events.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "RunEnded"


def test_a_detached_training_holds_no_terminal_and_is_interrupted_when_told(
    tmp_path: Path, leave_running: Callable[[Terminal], psutil.Process]
) -> None:
    terminal = Terminal([*LONG, "--runs-dir", str(tmp_path)])
    until(lambda: terminal.read(0.01) and list(tmp_path.glob("*/metrics.csv")))
    process = leave_running(terminal)
    assert os.getsid(process.pid) == process.pid
    files = [os.readlink(file) for file in Path(f"/proc/{process.pid}/fd").iterdir()]
    assert os.devnull in files
    assert [file for file in files if file.startswith(("/dev/pts", "/dev/tty"))] == []
    process.send_signal(signal.SIGHUP)
    process.terminate()
    until(lambda: is_gone(process))
    assert summary(tmp_path)["status"] == "interrupted"
    assert list(tmp_path.glob("*/checkpoints/*"))


def test_bad_input_is_refused_in_one_line_on_a_terminal_too() -> None:
    terminal = Terminal(["train", "EficientNetLite0"])
    terminal.wait_for("did you mean", SECONDS)
    assert terminal.close() == 2
    assert terminal.drawn.startswith(b"cifar-tui: ")
    assert terminal.drawn.count(b"\n") == 1


def test_a_program_that_is_killed_says_so_in_its_exit_status(tmp_path: Path) -> None:
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(tmp_path)})
    terminal.wait_for("New session", SECONDS)
    child_of(terminal).kill()
    assert terminal.close() == 128 + signal.SIGKILL
    assert LEFT_SCREEN in terminal.drawn


def test_a_suspended_program_comes_back_as_it_was(tmp_path: Path) -> None:
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(tmp_path)})
    terminal.wait_for("New session", SECONDS)
    waiting = psutil.Process(terminal._pid)
    child_of(terminal).send_signal(signal.SIGTSTP)
    until(lambda: terminal.read(0.01) == b"" and waiting.status() == psutil.STATUS_STOPPED)
    assert terminal.drawn.rpartition(b"\x1b[?1049h")[2].count(LEFT_SCREEN) == 1
    terminal.drawn = b""
    os.killpg(terminal._pid, signal.SIGCONT)
    terminal.wait_for("New session", SECONDS)
    assert terminal.drawn.count(b"\x1b[?1049h") == 1
    terminal.press("q")
    assert terminal.close() == 0
