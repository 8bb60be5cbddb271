"""The screen over what this process does not train: another's training, or a recording."""

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
    """Show an app until it exits, and then the launcher if the user asked for it.

    Args:
        app: shows an open session.
        close: ends the session's threads.
        arguments: those of the command.

    Returns:
        The exit status: 0, 1 after a crash, 129 if the terminal closed, 143 after SIGTERM.
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
    """Drop output: nothing may be printed over the screen, and there is no log to write to."""
