"""Training without a screen: progress line by line, or every event as JSON."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from engine.config.spec import RunSpec
from engine.errors import OutputError
from engine.protocol.events import Event, event_to_line
from engine.runs.listing import RunRecord
from engine.sessions.local import Session
from tui.cli.arguments import OnHangup
from tui.cli.controlling_terminal import ControllingTerminal, Owner
from tui.cli.output import print_answers, print_ending, use_utf8
from tui.cli.progress_lines import ProgressLines
from tui.cli.streams import complain_of_output, give_up_output

AFTER_ALL = "; the training continued without it, `cifar-tui rank` shows the result"


def train_plainly(
    specs: Sequence[RunSpec],
    runs_dir: Path,
    *,
    as_json: bool,
    on_hangup: OnHangup = "continue",
    resumes: RunRecord | None = None,
    whole_queue: bool = True,
    ends_on_answers: bool = False,
) -> int:
    """Train without a screen, or resume a run; print the ranking at the end, except with JSON.

    Args:
        specs: the queue.
        runs_dir: where its runs are kept.
        as_json: whether to print the events as JSON instead.
        on_hangup: what becomes of the training when its terminal closes.
        resumes: an unfinished run to resume, instead of `specs`.
        whole_queue: whether the runs that waited behind it are trained too.
        ends_on_answers: whether the answers to the exercise's questions follow the ranking.

    Returns:
        The exit status of the session, even if its output failed; 143 if a signal ended it early.
    """
    session = Session(specs, runs_dir, resumes=resumes, whole_queue=whole_queue)
    if as_json:
        use_utf8(sys.stdout)
    with ControllingTerminal(on_hangup=on_hangup) as terminal:
        terminal.session = session
        lines_of = _as_json if as_json else ProgressLines(session.specs).lines
        printer = Printer(lines_of, terminal.out)
        session.add_sink(printer)
        session.start()
        terminal.wait(session)
        if terminal.owner is Owner.CLOSED:
            terminal.detach()
            terminal.wait(session)
    fault = printer.fault
    if not as_json:
        # The training is done: a reader that has closed, as with `| head`, does not change that.
        try:
            print_ending(runs_dir, session.run_ids)
            if ends_on_answers:
                print_answers(runs_dir, session.run_ids)
            sys.stdout.flush()
        except (BrokenPipeError, OutputError) as error:
            fault = error
    if isinstance(fault, OutputError):
        complain_of_output(fault, AFTER_ALL)
        give_up_output()
    return terminal.exit_code(session)


class Printer:
    """A sink that prints what is to be said of each event, from any emitting thread.

    A reader that has closed ends only the printing.

    Args:
        lines_of: returns an event's lines.
        out: where to print them.
    """

    def __init__(self, lines_of: Callable[[int, str, Event], Sequence[str]], out: TextIO) -> None:
        self._lines_of = lines_of
        self._out: TextIO | None = out
        self.fault: OSError | None = None
        """The error that ended the printing."""
        self._lock = threading.Lock()

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        with self._lock:
            lines = self._lines_of(index, run_id, event)
            if self._out is None or not lines:
                return
            try:
                self._out.write("".join(line.rstrip("\n") + "\n" for line in lines))
                self._out.flush()
            except OSError as error:
                # The record on disk is what counts: the training matters more than its output.
                self._out, self.fault = None, error


def _as_json(index: int, run_id: str, event: Event) -> list[str]:
    return [event_to_line(event)]
