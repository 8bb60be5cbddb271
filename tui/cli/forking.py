"""Two processes on a terminal: a child does the work, its parent is what the shell waits for.

A process with TensorFlow's threads can neither fork nor leave its shell. So the fork comes first,
before any thread and any heavy import; when the child is to continue without the terminal, it lets
the parent exit, and the shell shows its prompt.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from tui.terminal.capabilities import current, terminal_restorer

CONTINUE_SECONDS = 0.2
"""A shell continues all of a job; a child that is still stopped after this time was left out."""
SCREEN_COMMANDS = (None, "train", "demo", "resume", "attach", "replay")


def opens_screen(arguments: argparse.Namespace) -> bool:
    """Return whether the command opens the screen rather than printing."""
    is_plain = getattr(arguments, "plain", False) or getattr(arguments, "json", False)
    return arguments.command in SCREEN_COMMANDS and not is_plain and current().shows_screens


class WaitingParent:
    """The process that the shell waits for, as its child sees it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def let_go(self, status: int = 0) -> None:
        """Let it exit with `status` now; call this at most once."""
        with suppress(BrokenPipeError):  # it may have been killed
            os.write(self._descriptor, bytes([status]))
        os.close(self._descriptor)


def run_in_child(work: Callable[[WaitingParent], int]) -> int:
    """Do `work` in a forked child, and wait for it in this process.

    Returns:
        In the child, what `work` returns. In the parent, the child's exit status, 128 plus the
        signal's number if one killed it, or the status that the child passed to `let_go`.
    """
    restore_terminal = terminal_restorer()
    told, telling = os.pipe()
    # Blocked until both processes are ready for them.
    signals = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child == 0:
        os.close(told)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return work(WaitingParent(telling))
    os.close(telling)
    woken = _take_signals(child)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status, was_killed = _wait(child, told, woken)
    if was_killed:
        restore_terminal()
    return status


def _take_signals(child: int) -> int:
    """Ignore the keyboard's signals, pass others to the child; return a pipe to wake `select`."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    return woken


def _wait(child: int, told: int, woken: int) -> tuple[int, bool]:
    """Return the exit status to end with, and whether a signal killed the child."""
    is_stopped = False
    while True:
        ready, _, _ = select.select([told, woken], [], [], CONTINUE_SECONDS if is_stopped else None)
        if told in ready:
            status = os.read(told, 1)
            return (status[0], False) if status else _ending(os.waitpid(child, 0)[1])
        if woken in ready:
            os.read(woken, 4_096)
        for change in iter(lambda: _state_change(child), None):
            if os.WIFSTOPPED(change):
                # The shell looks at this process only.
                os.kill(os.getpid(), signal.SIGSTOP)
            elif not os.WIFCONTINUED(change):
                return _ending(change)
            is_stopped = os.WIFSTOPPED(change)
        if is_stopped and not ready:
            # Never to a running child: Textual would open its screen twice.
            os.kill(child, signal.SIGCONT)
            is_stopped = False


def _state_change(child: int) -> int | None:
    """Return the wait status of a child that stopped, continued or ended since the last call."""
    pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
    return status if pid else None


def _ending(status: int) -> tuple[int, bool]:
    code = os.waitstatus_to_exitcode(status)
    return (code, False) if code >= 0 else (128 - code, True)
