"""`cifar-tui` and its commands on a terminal: the app around one session after another."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.common.folders import check_temporary_folder
from engine.keras_setup.loading import check_backend
from engine.machine.output_capture import OutputCapture
from engine.runs.directory import open_runs_dir
from tui.cli.arguments import OnHangup
from tui.cli.screen import crash_status, exit_status, show, signals_over
from tui.cli.signals import TERMINATED, LeavingSignals

if TYPE_CHECKING:
    from engine.config.spec import RunSpec
    from engine.runs.listing import RunRecord
    from engine.sessions.local import Session
    from tui.cli.forking import WaitingParent


def run(arguments: argparse.Namespace) -> int:
    """Open the launcher.

    Raises:
        InputError: the runs folder cannot be written, there is no writable temporary folder, or
            no backend works here.
    """
    check_temporary_folder()
    check_backend()
    return open_app((), open_runs_dir(arguments.runs_dir), arguments.parent)


def open_app(
    specs: Sequence[RunSpec],
    runs_dir: Path,
    parent: WaitingParent | None,
    *,
    on_hangup: OnHangup = "continue",
    resumes: RunRecord | None = None,
    ends_on_answers: bool = False,
) -> int:
    """Show the app, training `specs` at once if there are any; then print its runs' ranking.

    Args:
        specs: the first queue; empty for the launcher.
        runs_dir: where its runs are kept.
        parent: the process that the shell waits for, if not this one; with it, a training can be
            left running.
        on_hangup: what a training does when its terminal closes.
        resumes: an unfinished run to resume at once, instead of `specs`.
        ends_on_answers: whether the end of `specs` opens the answers to the exercise's questions.

    Returns:
        The exit status of the sessions; if none was started 0, or 129 if the terminal closed; 1
        after a crash of the screen, 143 after SIGTERM.
    """
    from tui.app import CifarApp
    from tui.session.source import trained_here

    sessions: list[Session] = []

    def start_session(asked: Sequence[RunSpec], run: RunRecord | None = None) -> Session:
        # Here and below: what the first frame does not need is imported after it.
        from engine.sessions.local import Session

        signals.session = Session(asked, runs_dir, resumes=run)
        sessions.append(signals.session)
        return sessions[-1]

    def log(line: str) -> None:
        if sessions:
            sessions[-1].log(line)

    with OutputCapture(log) as capture:
        signals = signals_over(lambda: app, parent, on_hangup)
        first = start_session(specs, resumes) if specs or resumes else None
        source = trained_here(
            first,
            start_session,
            resume=lambda run: start_session((), run),
            can_leave_running=parent is not None,
        )
        app = CifarApp(source, runs_dir=runs_dir, ends_on_answers=ends_on_answers)
        with signals:
            seen = show(app, signals)
            if sessions and sessions[-1].is_alive:
                session = sessions[-1]
                if not ((app.leaves_running and parent) or signals.hung_up):
                    _continue_without_screen(session, runs_dir, capture, signals)
                if (app.leaves_running or signals.hung_up) and parent:
                    from tui.cli.detach import leave_running

                    asked = seen[-1].stop_requested if seen else ""
                    return leave_running(
                        session, runs_dir, parent, capture, signals, stopping=asked
                    )
            if signals.hung_up:
                capture.give_up_terminal(Path(os.devnull))
                _wait_for_end(sessions)
    if not signals.hung_up:
        from tui.cli.output import print_ending

        print_ending(runs_dir, [run_id for session in sessions for run_id in session.run_ids])
    if not sessions:
        return exit_status(app, signals)
    status = max([crash_status(app), *(session.exit_code for session in sessions)])
    return TERMINATED if signals.terminated else status


def _continue_without_screen(
    session: Session, runs_dir: Path, capture: OutputCapture, signals: LeavingSignals
) -> None:
    """Wait until the session ends or the terminal closes, printing progress."""
    from engine.runs.directory import RunDirectory
    from engine.runs.listing import read_events
    from tui.cli.plain import ProgressPrinter, interrupts_stop, wait

    words = "the training continues without a screen; Ctrl-C stops it"
    if signals.terminated:
        words = "SIGTERM: the training ends after this batch with a checkpoint"
    print(words, file=capture.terminal)
    printer = ProgressPrinter(session.specs, capture.terminal)
    for index, run_id in enumerate(session.run_ids):
        printer.catch_up(index, run_id, read_events(RunDirectory(runs_dir / run_id)))
    session.add_sink(printer)
    with interrupts_stop(session):
        wait(session, signals)


def _wait_for_end(sessions: Sequence[Session]) -> None:
    while sessions and sessions[-1].is_alive:
        sessions[-1].join()
