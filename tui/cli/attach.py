"""`cifar-tui attach`: the screen of a training that another process does."""

from __future__ import annotations

import argparse

from engine.errors import InputError
from engine.follow import OVER
from engine.remote import AttachedSession
from engine.run_choice import choose_run
from tui.cli.terminal import on_terminal


def run(arguments: argparse.Namespace) -> int:
    """Show the run until the person leaves; it goes on. A run that is over is shown as it ended.

    Raises:
        InputError: there is no such run, or no terminal.
    """
    chosen = choose_run(arguments.runs_dir, arguments.run)
    if not on_terminal():
        raise InputError(
            "attach: expected a terminal to draw on, found none; "
            f"`tail -f {chosen.directory.log}` follows without one"
        )
    from tui.following import FollowingApp

    session = AttachedSession(chosen)
    is_over = chosen.status in OVER
    greeting = (
        f"{chosen.run_id} is {chosen.status}: this is its record"
        if is_over
        else f"Attached to {chosen.run_id}: d leaves it running"
    )
    app = FollowingApp(session, runs_dir=chosen.directory.path.parent, greeting=greeting)
    app.run()
    session.close()
    if app.wants_new_session:
        from tui.cli import launch

        return launch.run(arguments)
    if session.is_alive:
        name = session.run.run_id
        print(f"{name} goes on training; `cifar-tui attach {name}` shows it again.")
    return app.return_code or 0
