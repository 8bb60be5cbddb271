"""`cifar-tui` and its commands on a terminal: the app around one session after another."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.capture import OutputCapture
from engine.config import RunSpec
from engine.runs import RunDirectory, open_runs_dir, read_events

if TYPE_CHECKING:
    from engine.session import Session
    from tui.cli.forking import WaitingParent


def run(arguments: argparse.Namespace) -> int:
    """Open the launcher."""
    return open_app((), open_runs_dir(arguments.runs_dir), arguments.parent)


def open_app(specs: Sequence[RunSpec], runs_dir: Path, parent: WaitingParent | None) -> int:
    """Show the app, training `specs` at once if there are any; then the ranking of its runs.

    Args:
        specs: the first queue; empty for the launcher.
        runs_dir: where its runs are kept.
        parent: what the shell waits for, if not this process: a training can then be left running.

    Returns:
        The exit status, as the sessions give it; 0 where none was started.
    """
    from rich.console import Console

    from tui.app import CifarApp

    sessions: list[Session] = []

    def start_session(asked: Sequence[RunSpec]) -> Session:
        # Here and below: what the first frame does not need is imported after it.
        from engine.session import Session

        sessions.append(Session(asked, runs_dir))
        return sessions[-1]

    def log(line: str) -> None:
        if sessions:
            sessions[-1].log(line)

    with OutputCapture(log) as capture:
        first = start_session(specs) if specs else None
        app = CifarApp(first, runs_dir=runs_dir, start_session=start_session)
        app.can_leave_running = parent is not None
        # Textual would print the traceback of a crash into the captured standard error.
        app.error_console = Console(file=sys.__stderr__, markup=False, highlight=False)
        seen = app.run()
        if parent is not None and app.leaves_running and sessions[-1].is_alive:
            from tui.cli.detach import leave_running

            stopping = seen[-1].stop_requested if seen else ""
            return leave_running(sessions[-1], runs_dir, parent, capture, stopping=stopping)
    if sessions and sessions[-1].is_alive:
        _go_on_without_screen(sessions[-1], runs_dir)
    from tui.cli.output import print_ending

    print_ending(runs_dir, [run_id for session in sessions for run_id in session.run_ids])
    return max([app.return_code or 0, *(session.exit_code for session in sessions)])


def _go_on_without_screen(session: Session, runs_dir: Path) -> None:
    from tui.cli.plain import ProgressPrinter, interrupts_stop, wait

    print("the training goes on without a screen; Ctrl-C stops it")
    printer = ProgressPrinter(session.specs, sys.stdout)
    for index, run_id in enumerate(session.run_ids):
        printer.catch_up(index, run_id, read_events(RunDirectory(runs_dir / run_id)))
    session.add_sink(printer)
    with interrupts_stop(session):
        wait(session)
