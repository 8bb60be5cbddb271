"""`cifar-tui replay`: replay the record of a run on the training screen."""

from __future__ import annotations

import argparse

from engine.errors import InputError
from engine.runs.listing import OVER
from engine.runs.selecting import choose_run
from engine.sessions.replay import ReplaySession
from tui.cli.controlling_terminal import expect_screen
from tui.cli.follow import follow
from tui.settings import keys


def run(arguments: argparse.Namespace) -> int:
    """Replay the record to its end, or until the user leaves.

    Raises:
        InputError: there is no such run, it is still training, or there is no terminal.
    """
    chosen = choose_run(arguments.runs_dir, arguments.run)
    if chosen.status not in OVER:
        hint = f"`cifar-tui attach {chosen.run_id}` shows it"
        raise InputError("", "a run that is over", f"{chosen.run_id} training", hint, "replay")
    expect_screen("replay")
    session = ReplaySession(chosen, arguments.speed)
    key = keys.written_for("everywhere", "quit")
    greeting = f"Replaying {chosen.run_id} at {arguments.speed:g} times the speed: {key} quits"
    unchangeable = "A recording: nothing to change."
    return follow(session, chosen, arguments, greeting, unchangeable=unchangeable)[0]
