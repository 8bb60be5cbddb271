"""The screen over what this process does not train: another's training, or a recording."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tui.app import CifarApp, Leaving
from tui.cli.controlling_terminal import ControllingTerminal


def follow(app: CifarApp, close: Callable[[], None], arguments: argparse.Namespace) -> int:
    """Show an app until it exits, and then the launcher if the user asked for it.

    Args:
        app: shows an open session.
        close: ends the session's threads.
        arguments: those of the command.

    Returns:
        The exit status: 0, 1 after a crash, 129 if the terminal closed, 143 after SIGTERM.
    """
    with ControllingTerminal(arguments.parent) as terminal:
        terminal.show(app)
        close()
    status = terminal.exit_status(app)
    if app.leaving is Leaving.ANEW and not status:
        from tui.cli import launch

        return launch.run(arguments)
    return status
