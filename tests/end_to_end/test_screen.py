"""The whole program in a real pseudo-terminal: a session on the screen, and what is left after."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import termios
from pathlib import Path

import psutil
import pytest
from pseudo_terminal import Terminal
from terminal_screen import TerminalScreen

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


BASH = "import os; os.execvp('bash', ['bash', '--noprofile', '--norc', '-i'])"
SUSPEND = "\x1a"


def press_and_see(terminal: Terminal, keys: str) -> None:
    """Press keys that open the screen, and wait until all of it is drawn anew."""
    terminal.drawn, terminal.screen = b"", TerminalScreen()
    terminal.press(keys)
    opened = b"\x1b[?1049h"
    until(lambda: terminal.read(0.01) == b"" and opened in terminal.drawn)
    terminal.wait_for("my own images", SECONDS)
    terminal.wait_for("quit", SECONDS)
    assert terminal.drawn.count(opened) == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_a_suspended_program_comes_back_as_it_was(tmp_path: Path) -> None:
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(tmp_path), "PS1": "$ "}, program=("-c", BASH))
    terminal.press(f"{sys.executable} -m tui\n")
    terminal.wait_for("my own images", SECONDS)
    usual = termios.tcgetattr(terminal.descriptor)[3]
    for _ in range(2):
        terminal.drawn = b""
        terminal.press(SUSPEND)
        terminal.wait_for("Stopped", SECONDS)
        assert terminal.drawn.count(LEFT_SCREEN) == 1
        (job,) = psutil.Process(terminal.process).children()
        stopped = {process.status() for process in (job, *job.children())}
        assert stopped == {psutil.STATUS_STOPPED}
        press_and_see(terminal, "fg\n")
        assert termios.tcgetattr(terminal.descriptor)[3] == usual
    terminal.press("q")
    until(lambda: terminal.read(0.01) == b"" and is_gone(job))
    terminal.press("exit\n")
    assert terminal.close() == 0


def test_without_a_shell_to_continue_it_a_program_goes_on(tmp_path: Path) -> None:
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(tmp_path)})
    terminal.wait_for("my own images", SECONDS)
    press_and_see(terminal, SUSPEND)
    assert terminal.drawn.count(LEFT_SCREEN) == 1
    terminal.press("q")
    assert terminal.close() == 0
