"""The controlling terminal of this process: who has it, and what becomes of a training with it.

```
             show             the app exits
    LINES ─────────► SCREEN ───────────────► LINES
      │                │                       │
      └── SIGHUP ──► CLOSED ◄──── SIGHUP ──────┘
                       │
    LINES, CLOSED ── detach ──► DETACHED
```

A stop (SIGTSTP) changes nothing of this: Textual's driver leaves the screen and opens it again, and
the waiting parent stops and continues with this process. The app sends it at ctrl+z, unless it
trains, which a stop would halt. SIGTERM interrupts a session in any state.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from engine.errors import InputError
from engine.machine.output_capture import OutputCapture
from tui.cli.arguments import OnHangup
from tui.terminal.background import background_is_light, take_unread
from tui.terminal.capabilities import current, terminal_restorer

if TYPE_CHECKING:
    from engine.sessions.local import Session
    from engine.state.snapshot import RunSnapshot
    from tui.app import CifarApp
    from tui.cli.forking import WaitingParent

CRASHED = 1
HUNG_UP = 128 + signal.SIGHUP
STOPPED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
GRACE_SECONDS = 15.0
"""From SIGTERM until the process ends without its trainer; some schedulers kill after 20 s."""
LAST_WORDS_SECONDS = 1.0
SAME_SECONDS = 1.0
"""A signal to a whole process group arrives twice: the waiting parent passes its own on."""
LEFT = "SIGTERM: the process ended before its trainer could; only the last checkpoint is left"
NOTHING = Path(os.devnull)


class Owner(Enum):
    """Who has the terminal."""

    LINES = "this process, which prints lines on it"
    SCREEN = "the app, which draws on it"
    CLOSED = "nobody: it has gone"
    DETACHED = "the shell, and this process goes on without one"


def expect_screen(command: str, instead: str = "") -> None:
    """Reject a command where no screen can be drawn.

    Raises:
        InputError: there is no terminal, or it cannot show a screen.
    """
    terminal = current()
    if not terminal.shows_screens:
        raise InputError(command, "a terminal to draw on", terminal.lack, instead)


class ControllingTerminal:
    """Captures what is printed, and takes the signals, as long as it is entered.

    SIGTERM interrupts the session, which ends after its batch with a checkpoint. If it has not
    within 15 s, or at a second SIGTERM, the process exits at once with 143. SIGHUP does the same
    without the limit, or nothing, as chosen; in both cases a screen closes. Ctrl-C, where no screen
    takes it as a key, stops the session after its batch, and a second one ends the process.
    """

    def __init__(
        self, parent: WaitingParent | None = None, on_hangup: OnHangup = "continue"
    ) -> None:
        """Prepare; nothing is captured or handled yet.

        Args:
            parent: the process that the shell waits for; None where no screen is opened.
            on_hangup: what a session does without its terminal: `continue` or `checkpoint`.
        """
        self.owner = Owner.LINES
        self.session: Session | None = None
        """The session that trains now, or did last: it logs what is captured."""
        self.interrupts = False
        """Whether the session was asked to end with a checkpoint."""
        self._parent = parent
        self._on_hangup: OnHangup = on_hangup
        self._capture = OutputCapture(self._log)
        self._restore = terminal_restorer() if parent else None
        self._app: CifarApp | None = None
        self._terminated_at: float | None = None
        self._presses = 0
        self._last_resort = threading.Timer(GRACE_SECONDS, self._quit)
        self._last_resort.daemon = True
        self._before: dict[int, Any] = {}

    def __enter__(self) -> ControllingTerminal:
        self._capture.__enter__()
        self._take(signal.SIGTERM, self._terminate)
        if self._parent is None:
            self._take(signal.SIGINT, self._interrupt)
        # Under nohup it stays ignored, except for a screen, which would spin without a terminal.
        if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
            self._on_hangup = "continue"
            if self._parent is None:
                return self
        self._take(signal.SIGHUP, self._hang_up)
        return self

    def __exit__(self, *failure: object) -> None:
        self._last_resort.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._capture.__exit__(None, None, None)

    @property
    def out(self) -> TextIO:
        """What prints on the terminal, or into what standard output was redirected to."""
        return self._capture.terminal

    @property
    def terminated(self) -> bool:
        """Whether SIGTERM has arrived."""
        return self._terminated_at is not None

    def show(self, app: CifarApp) -> tuple[RunSnapshot, ...] | None:
        """Run an app on the full screen until it exits; return the runs of its last session."""
        from rich.console import Console

        from tui.settings.themes import remembered_theme, theme_on

        self._app = app
        if self.owner is Owner.LINES:
            self.owner = Owner.SCREEN
        if self.terminated or self.owner is Owner.CLOSED:
            app.leave_at_once(not self.interrupts)
        elif remembered_theme() is None:
            app.theme = theme_on(background_is_light())
        # Textual would print the traceback of a crash into the captured standard error.
        app.error_console = Console(file=sys.__stderr__, markup=False, highlight=False)
        try:
            seen = app.run()
        finally:
            take_unread().restore()  # of a screen that did not open
        # Textual's handlers are still installed, and would open it again.
        for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH):
            signal.signal(number, signal.SIG_DFL)
        self._take(signal.SIGINT, self._interrupt)
        if self.owner is Owner.SCREEN:
            self.owner = Owner.LINES
        else:
            self._give_up(NOTHING)
        return seen

    def wait(self, session: Session) -> None:
        """Wait until a session ends or the terminal closes, letting signals through meanwhile."""
        while not session.join(timeout=0.5) and self.owner is not Owner.CLOSED:
            pass

    def outlive(self) -> None:
        """From now on a terminal that closes changes nothing."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def detach(self, log: Path = NOTHING, status: int = 0) -> None:
        """Give the terminal back to the shell, and go on without one.

        Args:
            log: takes what is printed from now on, except for what goes to a file or pipe.
            status: what the parent exits with; 143 if the session was interrupted.
        """
        self.outlive()
        self.owner = Owner.DETACHED
        if self._parent is not None:
            os.setsid()
        self._give_up(log)
        if self._parent is not None:
            self._parent.let_go(TERMINATED if self.interrupts else status)

    def exit_code(self, session: Session) -> int:
        """Return a session's exit status, or 143 if a signal ended it early."""
        status = session.exit_code
        return TERMINATED if self.interrupts and status == STOPPED else status

    def exit_status(self, app: CifarApp, sessions: Sequence[Session] = ()) -> int:
        """Return the exit status of a screen that has left, and of the sessions trained under it.

        That is 143 after SIGTERM, 129 if the terminal of a screen without sessions has closed, and
        1 after a crash of the screen.
        """
        if self.terminated:
            return TERMINATED
        if self.owner is Owner.CLOSED and not sessions:
            return HUNG_UP
        # Only an app that was left has a return code.
        crash = CRASHED if app.return_code is None else app.return_code
        return max([crash, *(session.exit_code for session in sessions)])

    def _log(self, line: str) -> None:
        if self.session is not None:
            self.session.log(line)

    def _give_up(self, file: Path) -> None:
        """Let no descriptor hold the terminal, which its shell would wait for."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self._capture.give_up_terminal(file, redirected_too=False)

    def _take(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        self._before.setdefault(number, signal.signal(number, handler) or signal.SIG_DFL)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.session is None:
            signal.default_int_handler(number, frame)
        from engine.protocol.commands import Stop

        self._presses += 1
        self.session.send(Stop(when="now"))
        if self.owner is Owner.DETACHED:
            return
        if self._presses > 1:
            # The trainer may sit in native code that nothing interrupts.
            os._exit(STOPPED)
        with suppress(OSError):  # its terminal may have closed
            print("stopping after this batch; Ctrl-C again quits at once", file=sys.__stderr__)

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        if self.owner is Owner.CLOSED:
            return  # the kernel reports it, and so does the driver that reads the keys
        before, self.owner = self.owner, Owner.CLOSED
        self.interrupts |= self._on_hangup == "checkpoint"
        self._go(before)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        if self._terminated_at is None:
            self._terminated_at, self.interrupts = time.monotonic(), True
            self._last_resort.start()
            self._go(self.owner)
        elif time.monotonic() - self._terminated_at > SAME_SECONDS:
            self._quit()

    def _go(self, owner: Owner) -> None:
        if self.interrupts and self.session is not None:
            from engine.protocol.commands import Interrupt

            self.session.send(Interrupt())
        if owner is Owner.SCREEN and self._app is not None:
            # The kernel and `timeout` send it as well: the screen would be opened again.
            signal.signal(signal.SIGCONT, lambda number, frame: None)
            self._app.leave_at_once(not self.interrupts)

    def _quit(self) -> None:
        """End the process, even if a thread, the terminal or the disk hangs."""
        words = threading.Thread(target=self._say_last_words, daemon=True)
        words.start()
        words.join(LAST_WORDS_SECONDS)
        os._exit(TERMINATED)

    def _say_last_words(self) -> None:
        if self.owner is Owner.SCREEN and self._restore is not None:
            self._restore()
        if self.session is not None and self.session.is_alive:
            self.session.log(LEFT)
