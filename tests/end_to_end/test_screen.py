"""The whole program in a real pseudo-terminal: a session on the screen, and what is left after."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest
from pseudo_terminal import Terminal

from tests.support.processes import SECONDS, TRAIN, is_gone, on_terminals, summary, until

LEFT_SCREEN = b"\x1b[?1049l"


def child_of(terminal: Terminal) -> psutil.Process:
    """The process that draws; the terminal's own only waits for it."""
    (child,) = psutil.Process(terminal.process).children()
    return child


@pytest.mark.slow("that a whole session on a real terminal ends in the ranking there")
def test_a_session_is_shown_and_its_ranking_stays_on_the_normal_screen(tmp_path: Path) -> None:
    terminal = Terminal([*TRAIN, "--epochs", "1", "--runs-dir", str(tmp_path)])
    terminal.wait_for("loading", 60)
    terminal.wait_for("The queue has ended", SECONDS)
    terminal.press("q")
    assert terminal.close() == 0
    shown, _, after = terminal.drawn.rpartition(LEFT_SCREEN)
    assert b"Traceback" not in terminal.drawn
    assert b"CustomCNN" in shown
    assert b"most accurate: CustomCNN" in after
    assert summary(tmp_path)["status"] == "completed"


@pytest.mark.slow("that the answer on the screen ends the real training")
def test_quitting_stops_the_training_and_gives_the_terminal_back(tmp_path: Path) -> None:
    terminal = Terminal([*TRAIN, "--epochs", "500", "--runs-dir", str(tmp_path)])
    terminal.wait_for("training", SECONDS)
    terminal.press("q")
    terminal.wait_for("Stop now and quit", SECONDS)
    terminal.press("n")
    assert terminal.close() == 130
    assert LEFT_SCREEN in terminal.drawn
    assert summary(tmp_path)["status"] == "stopped"


@pytest.mark.slow("that the process a screen leaves behind trains on, holding no terminal")
def test_a_training_that_is_left_while_it_loads_completes(
    tmp_path: Path, started: list[psutil.Process]
) -> None:
    terminal = Terminal([*TRAIN, "--epochs", "2", "--runs-dir", str(tmp_path)])
    terminal.wait_for("loading", SECONDS)
    process = child_of(terminal)
    started.append(process)
    terminal.press("q")
    terminal.wait_for("Leave it running", SECONDS)
    terminal.press("h")
    terminal.wait_for("commands.jsonl", SECONDS)
    assert terminal.close() == 0
    assert os.getsid(process.pid) == process.pid
    assert on_terminals(process) == []
    process.send_signal(signal.SIGHUP)
    until(lambda: is_gone(process))
    after = terminal.drawn.rpartition(LEFT_SCREEN)[2].decode()
    assert f"CustomCNN keeps training without a screen (process {process.pid})." in after
    assert "accurate" not in after
    assert (summary(tmp_path)["status"], summary(tmp_path)["ranked"]) == ("completed", True)
    (run,) = tmp_path.iterdir()
    assert "epoch 2/2 ended" in (run / "run.log").read_text()
    last = (run / "events.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "RunEnded"


def test_bad_input_is_rejected_in_one_line_on_a_terminal_too() -> None:
    terminal = Terminal(["train", "EficientNetLite0"])
    terminal.wait_for("did you mean", SECONDS)
    assert terminal.close() == 2
    assert terminal.drawn.startswith(b"cifar-tui: ")
    assert terminal.drawn.count(b"\n") == 1


def test_a_program_that_is_killed_says_so_in_its_exit_status(tmp_path: Path) -> None:
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(tmp_path)})
    terminal.wait_for("my own images", SECONDS)
    child_of(terminal).kill()
    assert terminal.close() == 128 + signal.SIGKILL
    assert LEFT_SCREEN in terminal.drawn


def test_a_suspended_program_comes_back_as_it_was(tmp_path: Path) -> None:
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(tmp_path)})
    terminal.wait_for("my own images", SECONDS)
    waiting = psutil.Process(terminal.process)
    child_of(terminal).send_signal(signal.SIGTSTP)
    until(lambda: terminal.read(0.01) == b"" and waiting.status() == psutil.STATUS_STOPPED)
    assert terminal.drawn.rpartition(b"\x1b[?1049h")[2].count(LEFT_SCREEN) == 1
    terminal.drawn = b""
    os.killpg(terminal.process, signal.SIGCONT)
    terminal.wait_for("my own images", SECONDS)
    assert terminal.drawn.count(b"\x1b[?1049h") == 1
    terminal.press("q")
    assert terminal.close() == 0
