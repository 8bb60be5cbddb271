"""`cifar-tui` and its commands on a terminal: the app around one session after another."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.keras_setup.loading import check_can_compute
from engine.runs.directory import holds_runs, open_runs_dir
from tui.cli.arguments import OnHangup
from tui.cli.controlling_terminal import ControllingTerminal, Owner

if TYPE_CHECKING:
    from engine.config.spec import RunSpec
    from engine.runs.listing import RunRecord
    from engine.sessions.local import Session
    from tui.cli.forking import WaitingParent


def run(arguments: argparse.Namespace) -> int:
    """Open the launcher, or where there are no runs yet the first page.

    Raises:
        InputError: the runs folder cannot be written, there is no writable temporary folder, or
            no backend works here.
    """
    check_can_compute()
    runs_dir = open_runs_dir(arguments.runs_dir)
    is_first = not holds_runs(runs_dir)
    return open_app((), runs_dir, arguments.parent, begins_on_first_page=is_first)


def open_app(
    specs: Sequence[RunSpec],
    runs_dir: Path,
    parent: WaitingParent,
    *,
    on_hangup: OnHangup = "continue",
    resumes: RunRecord | None = None,
    ends_on_answers: bool = False,
    begins_on_first_page: bool = False,
) -> int:
    """Show the app, training `specs` at once if there are any; then print its runs' ranking.

    Args:
        specs: the first queue; empty for the launcher.
        runs_dir: where its runs are kept.
        parent: the process that the shell waits for.
        on_hangup: what a training does when its terminal closes.
        resumes: an unfinished run to resume at once, instead of `specs`.
        ends_on_answers: whether the end of `specs` opens the answers to the exercise's questions.
        begins_on_first_page: whether the first page comes before the launcher.

    Returns:
        The exit status of the sessions; if none was started 0, or 129 if the terminal closed; 1
        after a crash of the screen, 143 after SIGTERM.
    """
    from tui.app import CifarApp, Leaving
    from tui.session.source import Source

    sessions: list[Session] = []

    def start_session(asked: Sequence[RunSpec], run: RunRecord | None = None) -> Session:
        # Here and below: what the first frame does not need is imported after it.
        from engine.sessions.local import Session

        terminal.session = Session(asked, runs_dir, resumes=run)
        sessions.append(terminal.session)
        return terminal.session

    with ControllingTerminal(parent, on_hangup) as terminal:
        first = start_session(specs, resumes) if specs or resumes else None
        source = Source(first, start_session, resume=lambda run: start_session((), run))
        app = CifarApp(
            source,
            runs_dir=runs_dir,
            ends_on_answers=ends_on_answers,
            begins_on_first_page=begins_on_first_page,
        )
        seen = terminal.show(app)
        session = terminal.session
        if session is not None and session.is_alive:
            is_left = app.leaving is Leaving.RUNS_ON
            if not is_left and terminal.owner is not Owner.CLOSED:
                _continue_without_screen(terminal, session, runs_dir)
            if is_left or terminal.owner is Owner.CLOSED:
                from tui.cli.detach import leave_running

                asked = seen[-1].stop_requested if seen else ""
                return leave_running(terminal, session, runs_dir, asked)
    if terminal.owner is not Owner.CLOSED:
        from tui.cli.output import print_ending

        print_ending(runs_dir, [run_id for session in sessions for run_id in session.run_ids])
    return terminal.exit_status(app, sessions)


def _continue_without_screen(
    terminal: ControllingTerminal, session: Session, runs_dir: Path
) -> None:
    """Wait until the session ends or the terminal closes, printing progress."""
    from engine.runs.directory import RunDirectory
    from tui.cli.plain import Printer
    from tui.cli.progress_lines import ProgressLines

    words = "the training continues without a screen; Ctrl-C stops it"
    if terminal.terminated:
        words = "SIGTERM: the training ends after this batch with a checkpoint"
    print(words, file=terminal.out)
    progress = ProgressLines(session.specs)
    for index, run_id in enumerate(session.run_ids):
        progress.catch_up(index, RunDirectory(runs_dir / run_id))
    session.add_sink(Printer(progress.lines, terminal.out))
    terminal.wait(session)
