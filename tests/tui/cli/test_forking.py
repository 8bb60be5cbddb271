"""The process that the shell waits for: exit statuses, signals, stops, and being let go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from tests.support.processes import is_gone, until
from tui.cli.forking import opens_screen
from tui.terminal import capabilities as terminal

# A Python handler waits for the call at work: without the pipe, a signal that comes just before
# `readline` blocks would be answered after the line only.
WORK = """
import os, select, signal, sys
from tui.cli.forking import run_in_child

def ready():
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    print(os.getpid(), flush=True)
    return woken

def next_line(woken):
    while sys.stdin not in select.select([sys.stdin, woken], [], [])[0]:
        os.read(woken, 4_096)
    return sys.stdin.readline()

def work(parent):
    {body}
    return 9

try:
    sys.exit(run_in_child(work))
except KeyboardInterrupt:
    sys.exit(130)
"""
READY = "woken = ready(); "
WAIT = READY + "answer = next_line(woken); "


class Pair:
    """A parent and a child that does what the body of a Python function says."""

    def __init__(self, body: str) -> None:
        self.parent = psutil.Popen(
            [sys.executable, "-c", WORK.format(body=body)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._child: psutil.Process | None = None
        number = int(self.parent.stdout.readline())
        with suppress(psutil.NoSuchProcess):  # some end at once
            self._child = psutil.Process(number)

    @property
    def child(self) -> psutil.Process:
        """The child, while it is there."""
        assert self._child is not None
        return self._child

    def close(self) -> None:
        """End what is left."""
        for process in (self._child, self.parent):
            if process is not None:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.parent.wait()

    def tell(self, line: str) -> None:
        """Answer the child that waits for a line."""
        self.parent.stdin.write(f"{line}\n")
        self.parent.stdin.flush()

    def status(self) -> int:
        """The parent's exit status."""
        return int(self.parent.wait(timeout=30))


@pytest.fixture
def pair() -> Iterator[Callable[[str], Pair]]:
    """Starts pairs, and ends what is left of them."""
    pairs: list[Pair] = []

    def start(body: str) -> Pair:
        pairs.append(Pair(body))
        return pairs[-1]

    yield start
    for made in pairs:
        made.close()


def is_stopped(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_STOPPED)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("return 0", 0),
        ("return 7", 7),
        ("sys.exit(3)", 3),
        ("os._exit(5)", 5),
        ("raise KeyboardInterrupt", 130),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("os.killpg(0, signal.SIGINT); signal.pause()", 130),
        ("parent.let_go(); return 7", 0),
        ("parent.let_go(130); return 7", 130),
    ],
)
def test_the_parent_ends_as_its_child_does(
    body: str, status: int, pair: Callable[[str], Pair]
) -> None:
    assert pair(READY + body).status() == status


def test_a_parent_that_is_let_go_ends_before_its_child(pair: Callable[[str], Pair]) -> None:
    made = pair("parent.let_go(); " + WAIT)
    assert made.status() == 0
    assert not is_gone(made.child)
    made.tell("end")
    until(lambda: is_gone(made.child))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_would_end_the_parent_is_passed_on(
    number: signal.Signals, pair: Callable[[str], Pair]
) -> None:
    made = pair(f"signal.signal({number}, lambda *_: os._exit(4)); " + WAIT)
    made.parent.send_signal(number)
    assert made.status() == 4
    made = pair(WAIT)
    made.parent.send_signal(number)
    assert made.status() == 128 + number


def test_the_keyboards_signals_are_the_childs(pair: Callable[[str], Pair]) -> None:
    made = pair(WAIT + "return int(answer)")
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        made.parent.send_signal(number)
    made.tell("6")
    assert made.status() == 6


def test_a_child_outlives_its_parent(pair: Callable[[str], Pair]) -> None:
    made = pair(WAIT + "parent.let_go(); print('went on', flush=True); sys.stdin.readline()")
    made.parent.kill()
    assert made.status() == -signal.SIGKILL
    made.tell("let go")
    assert made.parent.stdout.readline() == "went on\n"
    made.tell("end")
    until(lambda: is_gone(made.child))


@pytest.mark.parametrize("whole_job", [True, False])
def test_both_stop_and_go_on_together(whole_job: bool, pair: Callable[[str], Pair]) -> None:
    continued = "signal.signal(signal.SIGCONT, lambda *_: print('continued', flush=True)); "
    made = pair(continued + WAIT + "return int(answer)")
    for status in ("", "8"):
        made.child.send_signal(signal.SIGSTOP)
        until(lambda: is_stopped(made.parent))
        assert is_stopped(made.child)
        if whole_job:
            os.killpg(made.parent.pid, signal.SIGCONT)
        else:
            made.parent.send_signal(signal.SIGCONT)
        assert made.parent.stdout.readline() == "continued\n"
        if status:
            made.tell(status)
    assert made.status() == 8
    # Textual takes every SIGCONT for the end of a stop: there must be one for each.
    assert made.parent.stdout.read() == ""


@pytest.mark.parametrize(
    ("arguments", "opens"),
    [
        ({"command": None}, True),
        ({"command": "train", "plain": False, "json": False}, True),
        ({"command": "demo", "plain": False, "json": False}, True),
        ({"command": "train", "plain": True, "json": False}, False),
        ({"command": "demo", "plain": False, "json": True}, False),
        ({"command": "models", "json": False}, False),
        ({"command": "attach"}, True),
        ({"command": "replay"}, True),
    ],
)
def test_which_commands_open_the_screen(
    arguments: dict[str, object], opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not opens_screen(Namespace(**arguments))
    there = replace(terminal.current(), is_there=True, name="xterm")
    monkeypatch.setattr(terminal, "_current", there)
    assert opens_screen(Namespace(**arguments)) == opens
    monkeypatch.setattr(terminal, "_current", replace(there, name="dumb"))
    assert not opens_screen(Namespace(**arguments))
