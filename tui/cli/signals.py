"""SIGTERM, and SIGHUP of a terminal that closes: what they do to the training of this process."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from tui.cli.arguments import OnHangup

if TYPE_CHECKING:
    from engine.sessions.local import Session

STOPPED = 130
TERMINATED = 128 + signal.SIGTERM
GRACE_SECONDS = 15.0
"""From SIGTERM until the process ends without its trainer; some schedulers kill after 20 s."""
LAST_WORDS_SECONDS = 1.0
SAME_SECONDS = 1.0
"""A signal to a whole process group arrives twice: the waiting parent passes its own on."""
LEFT = "SIGTERM: the process ended before its trainer could; only the last checkpoint is left"


class LeavingSignals:
    """A handler of SIGTERM and SIGHUP while it is entered, at any moment of a screen's life.

    SIGTERM interrupts the session, which ends after its batch with a checkpoint. If it has not
    within 15 s, or at a second SIGTERM, the process exits at once with 143. SIGHUP does the same
    without the limit, or nothing, as chosen; in both cases a screen closes.
    """

    def __init__(
        self,
        on_hangup: OnHangup = "continue",
        *,
        leave_screen: Callable[[bool], None] | None = None,
        restore_terminal: Callable[[], None] | None = None,
    ) -> None:
        """Prepare; no signal is handled yet.

        Args:
            on_hangup: what a session does without its terminal: `continue` or `checkpoint`.
            leave_screen: ends the screen, given whether the training outlives it; must be callable
                from a signal handler. None if there is no screen.
            restore_terminal: makes the terminal usable again if the screen no longer can.
        """
        self.session: Session | None = None
        """The running session."""
        self.hung_up = False
        """Whether the terminal has closed."""
        self.terminated = False
        """Whether SIGTERM has arrived."""
        self._on_hangup: OnHangup = on_hangup
        self._leave_screen, self._restore_terminal = leave_screen, restore_terminal
        self._terminated_at = 0.0
        self._last_resort = threading.Timer(GRACE_SECONDS, self._quit)
        self._last_resort.daemon = True
        self._before: dict[int, Any] = {}

    def __enter__(self) -> LeavingSignals:
        self._take(signal.SIGTERM, self._terminate)
        # Under nohup it stays ignored, except for a screen, which would spin without a terminal.
        if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
            self._on_hangup = "continue"
            if self._leave_screen is None:
                return self
        self._take(signal.SIGHUP, self._hang_up)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._last_resort.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def interrupts(self) -> bool:
        """Whether the session was asked to end with a checkpoint."""
        return self.terminated or (self.hung_up and self._on_hangup == "checkpoint")

    def exit_code(self, status: int) -> int:
        """Return a session's exit status, or 143 if a signal ended it early."""
        return TERMINATED if self.interrupts and status == STOPPED else status

    def screen_has_left(self) -> None:
        """Note that the screen has closed and restored the terminal."""
        # Textual's handlers are still installed, and would open it again.
        for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH):
            signal.signal(number, signal.SIG_DFL)
        self._leave_screen = self._restore_terminal = None

    def _take(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        self._before[number] = signal.signal(number, handler) or signal.SIG_DFL

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        if self.hung_up:
            return  # the kernel reports it, and so does the driver that reads the keys
        self.hung_up = True
        self._go()

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        if not self.terminated:
            self.terminated, self._terminated_at = True, time.monotonic()
            self._last_resort.start()
            self._go()
        elif time.monotonic() - self._terminated_at > SAME_SECONDS:
            self._quit()

    def _go(self) -> None:
        if self.interrupts and self.session is not None:
            from engine.protocol.commands import Interrupt

            self.session.send(Interrupt())
        if self._leave_screen is not None:
            # The kernel and `timeout` send it as well: the screen would be opened again.
            signal.signal(signal.SIGCONT, lambda number, frame: None)
            self._leave_screen(not self.interrupts)

    def _quit(self) -> None:
        """End the process, even if a thread, the terminal or the disk hangs."""
        words = threading.Thread(target=self._say_last_words, daemon=True)
        words.start()
        words.join(LAST_WORDS_SECONDS)
        os._exit(TERMINATED)

    def _say_last_words(self) -> None:
        if self._restore_terminal is not None:
            self._restore_terminal()
        if self.session is not None and self.session.is_alive:
            self.session.log(LEFT)
