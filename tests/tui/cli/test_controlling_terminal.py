"""SIGTERM and SIGHUP in a process whose trainer does not come back, or only later."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

SCRIPT = """
import os, sys, threading
import engine.protocol.commands  # nor does the first signal wait for it
from tui.cli import controlling_terminal
from tui.cli.controlling_terminal import ControllingTerminal

def say(*words):
    os.write(sys.__stdout__.fileno(), " ".join(map(str, words)).encode() + b"\\n")

class Session:
    "One whose trainer sits in native code: it is told, and that is all."
    is_alive, exit_code = True, 130

    def send(self, command):
        say(type(command).__name__)

    def log(self, line):
        say(line)
        {log}

class App:
    "A screen that stays until a line comes."

    def leave_at_once(self, goes_on):
        say("leaves", goes_on)

    def run(self):
        say("ready")
        sys.stdin.readline()

controlling_terminal.GRACE_SECONDS, controlling_terminal.SAME_SECONDS = {grace}, {same}
controlling_terminal.terminal_restorer = lambda: lambda: say("restored")
terminal = ControllingTerminal({arguments})
terminal.session = session = Session()
with terminal:
    {shows}
print("let go", flush=True)
sys.exit(terminal.exit_code(session))
"""
SHOWS = {False: "App().run()", True: "terminal.show(App())"}
Start = Callable[..., psutil.Popen]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that take the signals; what is left of them is ended with the test."""
    processes: list[psutil.Popen] = []

    def make(
        arguments: str = "",
        *,
        grace: float = 60,
        same: float = 0,
        log: str = "",
        screen: bool = False,
        ignores_hangup: bool = False,
    ) -> psutil.Popen:
        def ignore() -> None:
            if ignores_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        arguments = f"{'object()' if screen else None}, {arguments}"
        text = SCRIPT.format(
            arguments=arguments, grace=grace, same=same, log=log, shows=SHOWS[screen]
        )
        process = psutil.Popen(
            [sys.executable, "-c", text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=ignore,
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield make
    for process in processes:
        if process.is_running():
            process.kill()
        process.communicate()


def ends(process: psutil.Popen) -> tuple[int, list[str]]:
    """The exit status, and the lines since `ready`."""
    status = process.wait(timeout=30)
    return status, process.stdout.read().splitlines()


def test_a_second_sigterm_ends_the_process_at_once(start: Start) -> None:
    process = start()
    process.terminate()
    assert process.stdout.readline() == "Interrupt\n"
    process.terminate()
    status, lines = ends(process)
    assert status == 143
    assert lines[0].startswith("SIGTERM: the process ended before its trainer could")


def test_one_that_comes_twice_through_the_group_counts_once(start: Start) -> None:
    process = start(same=60)
    process.terminate()
    assert process.stdout.readline() == "Interrupt\n"
    process.terminate()
    process.stdin.write("\n")
    process.stdin.flush()
    assert ends(process) == (143, ["let go"])


@pytest.mark.parametrize("log", ["", "threading.Event().wait()"])
def test_a_trainer_that_does_not_come_back_is_left(start: Start, log: str) -> None:
    """Nor does a disk that hangs hold the process."""
    process = start(grace=0.2, log=log)
    process.terminate()
    began = time.monotonic()
    status, lines = ends(process)
    assert status == 143
    assert lines[0] == "Interrupt"
    assert time.monotonic() - began < 5


def test_the_terminal_is_restored_where_the_screen_cannot_leave(start: Start) -> None:
    process = start(screen=True, grace=0.2)
    process.terminate()
    status, lines = ends(process)
    assert status == 143
    assert lines[:3] == ["Interrupt", "leaves False", "restored"]


@pytest.mark.parametrize(
    ("arguments", "ignores", "told", "status"),
    [
        ("'continue'", False, [], 130),
        ("'checkpoint'", False, ["Interrupt"], 143),
        ("'checkpoint'", True, [], 130),
    ],
)
def test_a_terminal_that_goes(
    start: Start, arguments: str, ignores: bool, told: list[str], status: int
) -> None:
    process = start(arguments, ignores_hangup=ignores)
    process.send_signal(signal.SIGHUP)
    process.stdin.write("\n")
    process.stdin.flush()
    assert ends(process) == (status, [*told, "let go"])


def test_under_a_screen_it_is_taken_even_where_it_was_ignored(start: Start) -> None:
    process = start("'checkpoint'", screen=True, ignores_hangup=True)
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline() == "leaves True\n"
    # The kernel continues the job of a terminal that has gone: Textual must not see it.
    process.send_signal(signal.SIGCONT)
    process.stdin.write("\n")
    process.stdin.flush()
    assert ends(process) == (130, ["let go"])


def test_ctrl_c_stops_the_session_and_a_second_one_ends_the_process(start: Start) -> None:
    process = start()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "Stop\n"
    process.send_signal(signal.SIGINT)
    assert ends(process) == (130, ["Stop"])
