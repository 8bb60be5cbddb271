"""The screen over what this process does not train: another's training, or a recording."""

from __future__ import annotations

import argparse

from engine.runs.listing import RunRecord
from engine.sessions.attached import AttachedSession
from engine.sessions.replay import ReplaySession
from tui.cli.controlling_terminal import ControllingTerminal


def follow(
    session: AttachedSession | ReplaySession,
    chosen: RunRecord,
    arguments: argparse.Namespace,
    greeting: str,
    *,
    unchangeable: str = "",
) -> tuple[int, bool]:
    """Show a session until the user leaves, and then the launcher if they asked for it.

    Args:
        session: of the chosen run; its threads are ended.
        chosen: the run.
        arguments: those of the command.
        greeting: what to show the user first.
        unchangeable: why the session takes no commands; empty if it does.

    Returns:
        The exit status: 0, 1 after a crash, 129 if the terminal closed, 143 after SIGTERM. And
        whether the launcher was shown.
    """
    from tui.app import CifarApp, Leaving
    from tui.session.source import Source

    source = Source(
        session, clock=session.recorded_now, unchangeable=unchangeable, greeting=greeting
    )
    app = CifarApp(source, runs_dir=chosen.directory.path.parent)
    with ControllingTerminal(arguments.parent) as terminal:
        terminal.show(app)
        session.close()
    status = terminal.exit_status(app)
    if app.leaving is not Leaving.ANEW or status:
        return status, False
    from tui.cli import launch

    return launch.run(arguments), True
