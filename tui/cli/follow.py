"""The screen over what no trainer of this process does: another's training, or a recording."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.machine.output_capture import OutputCapture
from tui.cli.screen import exit_status, show, signals_over

if TYPE_CHECKING:
    from tui.app import CifarApp


def follow(app: CifarApp, close: Callable[[], None], arguments: argparse.Namespace) -> int:
    """Show an app until it leaves, and the launcher after it where that was asked for.

    Args:
        app: over an open session.
        close: ends the session's threads.
        arguments: of the command.

    Returns:
        The exit status: 0, 1 after a crash, 129 where the terminal has gone, 143 after SIGTERM.
    """
    with OutputCapture(_drop) as capture, signals_over(lambda: app, arguments.parent) as signals:
        show(app, signals)
        if signals.hung_up:
            capture.give_up_terminal(Path(os.devnull))
        close()
    status = exit_status(app, signals)
    if app.wants_new_session and not status:
        from tui.cli import launch

        return launch.run(arguments)
    return status


def _drop(line: str) -> None:
    """Nothing is to be printed over the screen, and there is no log that it belongs in."""
