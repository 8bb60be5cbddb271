"""Leave a training running: release the terminal, so that the shell's prompt comes back."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from engine.config.spec import RunSpec
from engine.machine.output_capture import OutputCapture
from engine.protocol.commands import Stop, command_to_plain
from engine.protocol.events import FREQUENT, Event, RunEnded
from engine.runs.directory import RunDirectory
from engine.runs.listing import read_events
from tui.cli.forking import WaitingParent
from tui.cli.plain import leave_input, wait
from tui.cli.progress_lines import ProgressLines
from tui.cli.signals import STOPPED, TERMINATED, LeavingSignals

if TYPE_CHECKING:
    from engine.sessions.local import Session

NAMES_SHOWN = 3
DOES = {
    "": "keeps training without a screen",
    "run": "trains to its end without a screen",
    "epoch": "stops after this epoch, without a screen",
    "now": "stops, without a screen",
}
"""What the run that was left does, by the requested Stop."""
UNTOLD = (*FREQUENT, RunEnded)
"""Events that the log leaves out: too many for a log that may grow for days, already in it, or
the end, which the record tells."""


def leave_running(
    session: Session,
    runs_dir: Path,
    parent: WaitingParent,
    capture: OutputCapture,
    signals: LeavingSignals,
    *,
    stopping: str = "",
) -> int:
    """Print the farewell, return the prompt to the shell, and wait for the session's end.

    The process then has no terminal, outlives its shell, and SIGTERM interrupts the session.
    If the terminal has already closed, nothing is printed and the rest is the same.

    Args:
        session: the running session.
        runs_dir: where its runs are kept.
        parent: exits with 0, with 130 if the session was asked to stop, or with 143 if it was
            interrupted because the terminal closed.
        capture: active; further output goes to the log of the current run.
        signals: entered; they still handle SIGTERM.
        stopping: the Stop requested of the current run: `now`, `epoch`, `run`, or empty for none.

    Returns:
        The exit status of the session; 143 if a signal ended it early.
    """
    _take_signals(session)
    # The first run gets its folder a moment after the session's start.
    while not session.run_ids and not session.join(timeout=0.05):
        pass
    if not session.run_ids:
        return signals.exit_code(session.exit_code)
    place = len(session.run_ids) - 1
    directory = RunDirectory(runs_dir / session.run_ids[place])
    if not signals.hung_up:
        words = farewell(session.specs[place:], directory, os.getpid(), stopping)
        with suppress(OSError):
            print(words, file=capture.terminal, flush=True)
    _leave_terminal(capture, directory.log)
    parent.let_go(TERMINATED if signals.interrupts else STOPPED if stopping else 0)
    session.add_sink(_ProgressLog(session, place, directory))
    wait(session)
    return signals.exit_code(session.exit_code)


def farewell(
    specs: Sequence[RunSpec], directory: RunDirectory, process: int, stopping: str = ""
) -> str:
    """Return the lines that say what keeps training, how to follow it, and how to stop it.

    Args:
        specs: the current run's, then those of the runs that wait.
        directory: the current run's.
        process: the id of the process that trains it.
        stopping: as in `leave_running`.
    """
    then = "" if stopping or len(specs) == 1 else f", then {_models(specs[1:])}"
    lines = [
        f"{specs[0].model} {DOES[stopping]} (process {process}){then}.",
        f"Follow it: tail -f {shlex.quote(str(directory.log))}",
    ]
    if stopping != "now":
        command = shlex.quote(json.dumps(command_to_plain(Stop(id="1", when="now"))))
        file = shlex.quote(str(directory.commands))
        lines.append(f"Stop it:   kill {process} (with a checkpoint), or: echo {command} >> {file}")
    return "\n".join(lines)


def _models(specs: Sequence[RunSpec]) -> str:
    names = ", ".join(spec.model for spec in specs[:NAMES_SHOWN])
    more = len(specs) - NAMES_SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _take_signals(session: Session) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        session.send(Stop(when="now"))

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, stop)


def _leave_terminal(capture: OutputCapture, log: Path) -> None:
    os.setsid()
    leave_input()
    capture.give_up_terminal(log)


class _ProgressLog:
    """A sink that writes the progress to the run's log, a few lines per epoch."""

    def __init__(self, session: Session, place: int, directory: RunDirectory) -> None:
        """Apply the events of the run at `place` so far, without logging them."""
        self._session = session
        self._lines = ProgressLines(session.specs)
        for event in read_events(directory):
            self._progress(place, directory.run_id, event)

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        for line in self._progress(index, run_id, event):
            self._session.log(line)

    def _progress(self, index: int, run_id: str, event: Event) -> list[str]:
        return [] if isinstance(event, UNTOLD) else self._lines.lines(index, run_id, event)
