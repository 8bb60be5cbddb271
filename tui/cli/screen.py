"""The one way onto the full screen and back: every command that opens it goes through here."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.errors import InputError
from tui.cli.signals import TERMINATED, LeavingSignals
from tui.terminal.capabilities import current, terminal_restorer

if TYPE_CHECKING:
    from engine.state.snapshot import RunSnapshot
    from tui.app import CifarApp
    from tui.cli.arguments import OnHangup
    from tui.cli.forking import WaitingParent

HUNG_UP = 128 + signal.SIGHUP
CRASHED = 1


def expect_screen(command: str, instead: str = "") -> None:
    """Reject a command where no screen can be drawn.

    Raises:
        InputError: there is no terminal, or it cannot show a screen.
    """
    terminal = current()
    if not terminal.shows_screens:
        hint = f"; {instead}" if instead else ""
        raise InputError(f"{command}: expected a terminal to draw on, found {terminal.lack}{hint}")


def signals_over(
    app: Callable[[], CifarApp], parent: WaitingParent | None, on_hangup: OnHangup = "continue"
) -> LeavingSignals:
    """Return the signal handling of a screen, not entered yet.

    Args:
        app: returns the app that is shown, for a signal that asks it to exit.
        parent: the process that the shell waits for, if not this one.
        on_hangup: what a training of this process does when its terminal closes.
    """
    return LeavingSignals(
        on_hangup,
        leave_screen=lambda goes_on: app().leave_at_once(goes_on),
        restore_terminal=terminal_restorer() if parent else None,
    )


def show(app: CifarApp, signals: LeavingSignals) -> tuple[RunSnapshot, ...] | None:
    """Run an app on the full screen until it exits, and release the terminal.

    Output must be captured and the signals entered.
    """
    from rich.console import Console

    # Textual would print the traceback of a crash into the captured standard error.
    app.error_console = Console(file=sys.__stderr__, markup=False, highlight=False)
    seen = app.run()
    signals.screen_has_left()
    return seen


def exit_status(app: CifarApp, signals: LeavingSignals) -> int:
    """Return the exit status of a screen that shows no training of this process."""
    if signals.terminated:
        return TERMINATED
    return HUNG_UP if signals.hung_up else crash_status(app)


def crash_status(app: CifarApp) -> int:
    """Return 1 if the app crashed, else 0: only an app that was left has a return code."""
    return CRASHED if app.return_code is None else app.return_code
