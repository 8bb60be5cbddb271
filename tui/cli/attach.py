"""`cifar-tui attach`: watch a run that another process is training."""

from __future__ import annotations

import argparse

from engine.runs.listing import OVER
from engine.runs.selecting import choose_run
from engine.sessions.attached import AttachedSession
from tui.cli.controlling_terminal import expect_screen
from tui.cli.follow import follow
from tui.settings import keys


def run(arguments: argparse.Namespace) -> int:
    """Show the run until the user leaves, without stopping it; show an ended run as it ended.

    Raises:
        InputError: there is no such run, or the terminal cannot show a screen.
    """
    chosen = choose_run(arguments.runs_dir, arguments.run)
    expect_screen("attach", f"`tail -f {chosen.directory.log}` follows without one")
    session = AttachedSession(chosen)
    key = keys.written_for("everywhere", "detach")
    greeting = (
        f"{chosen.run_id} is {chosen.status}: this is its record"
        if chosen.status in OVER
        else f"Attached to {chosen.run_id}: {key} leaves it running"
    )
    status, began_anew = follow(session, chosen, arguments, greeting)
    if session.is_alive and not status and not began_anew:
        name = session.run.run_id
        print(f"{name} is still training; `cifar-tui attach {name}` shows it again.")
    return status
