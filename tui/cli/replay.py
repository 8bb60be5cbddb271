"""`cifar-tui replay`: replay the record of a run on the training screen."""

from __future__ import annotations

import argparse

from engine.errors import InputError
from engine.runs.listing import OVER
from engine.runs.selecting import choose_run
from engine.sessions.replay import ReplaySession
from tui.cli.controlling_terminal import expect_screen


def run(arguments: argparse.Namespace) -> int:
    """Replay the record to its end, or until the user leaves.

    Raises:
        InputError: there is no such run, it is still training, or there is no terminal.
    """
    chosen = choose_run(arguments.runs_dir, arguments.run)
    if chosen.status not in OVER:
        raise InputError(
            f"replay: expected a run that is over, found {chosen.run_id} training; "
            f"`cifar-tui attach {chosen.run_id}` shows it"
        )
    expect_screen("replay")
    from tui.app import CifarApp
    from tui.cli.follow import follow
    from tui.session.source import replayed

    session = ReplaySession(chosen, arguments.speed)
    greeting = f"Replaying {chosen.run_id} at {arguments.speed:g} times the speed: q leaves"
    app = CifarApp(replayed(session, greeting), runs_dir=chosen.directory.path.parent)
    return follow(app, session.close, arguments)
