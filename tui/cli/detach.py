"""Leave a training running: release the terminal, so that the shell's prompt comes back."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.common.codec import to_plain
from engine.config.spec import RunSpec
from engine.protocol.commands import Stop
from engine.protocol.events import FREQUENT, Event, RunEnded
from engine.runs.directory import RunDirectory
from tui.cli.controlling_terminal import STOPPED, ControllingTerminal, Owner
from tui.cli.progress_lines import ProgressLines

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
    terminal: ControllingTerminal, session: Session, runs_dir: Path, stopping: str = ""
) -> int:
    """Print the farewell, return the prompt to the shell, and wait for the session's end.

    The process then has no terminal, outlives its shell, and SIGTERM interrupts the session.
    If the terminal has already closed, nothing is printed and the rest is the same. The process
    that the shell waits for exits with 0, with 130 if the session was asked to stop, or with 143 if
    it was interrupted because the terminal closed.

    Args:
        terminal: entered.
        session: the running session.
        runs_dir: where its runs are kept.
        stopping: the Stop requested of the current run: `now`, `epoch`, `run`, or empty for none.

    Returns:
        The exit status of the session; 143 if a signal ended it early.
    """
    terminal.outlive()
    # The first run gets its folder a moment after the session's start.
    while not session.run_ids and not session.join(timeout=0.05):
        pass
    if not session.run_ids:
        return terminal.exit_code(session)
    place = len(session.run_ids) - 1
    directory = RunDirectory(runs_dir / session.run_ids[place])
    if terminal.owner is not Owner.CLOSED:
        words = farewell(session.specs[place:], directory, os.getpid(), stopping)
        with suppress(OSError):
            print(words, file=terminal.out, flush=True)
    terminal.detach(directory.log, STOPPED if stopping else 0)
    progress = ProgressLines(session.specs)
    progress.catch_up(place, directory)

    def log(index: int, run_id: str, event: Event) -> None:
        if not isinstance(event, UNTOLD):
            for line in progress.lines(index, run_id, event):
                session.log(line)

    session.add_sink(log)
    terminal.wait(session)
    return terminal.exit_code(session)


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
        command = shlex.quote(json.dumps(to_plain(Stop(id="1", when="now"))))
        file = shlex.quote(str(directory.commands))
        lines.append(f"Stop it:   kill {process} (with a checkpoint), or: echo {command} >> {file}")
    return "\n".join(lines)


def _models(specs: Sequence[RunSpec]) -> str:
    names = ", ".join(spec.model for spec in specs[:NAMES_SHOWN])
    more = len(specs) - NAMES_SHOWN
    return f"{names} and {more} more" if more > 0 else names
