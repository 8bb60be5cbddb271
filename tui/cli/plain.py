"""Training without a screen: progress line by line, or every event as JSON."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from engine.config.spec import RunSpec
from engine.errors import OutputError
from engine.machine.output_capture import OutputCapture
from engine.protocol.commands import Stop
from engine.protocol.events import Event, event_to_line
from engine.runs.listing import RunRecord
from engine.sessions.local import Session, SessionHandle
from tui.cli.arguments import OnHangup
from tui.cli.output import print_ending, use_utf8
from tui.cli.progress_lines import ProgressLines
from tui.cli.signals import STOPPED, LeavingSignals
from tui.cli.streams import complain_of_output, give_up_output

AFTER_ALL = "; the training continued without it, `cifar-tui rank` shows the result"


def train_plainly(
    specs: Sequence[RunSpec],
    runs_dir: Path,
    *,
    as_json: bool,
    on_hangup: OnHangup = "continue",
    resumes: RunRecord | None = None,
) -> int:
    """Train without a screen, or resume a run; print the ranking at the end, except with JSON.

    Returns:
        The exit status of the session, even if its output failed; 143 if a signal ended it early.
    """
    session = Session(specs, runs_dir, resumes=resumes)
    if as_json:
        use_utf8(sys.stdout)
    with OutputCapture(session.log) as capture, LeavingSignals(on_hangup) as signals:
        signals.session = session
        made = JsonPrinter if as_json else ProgressPrinter
        printer = made(session.specs, capture.terminal)
        session.add_sink(printer)
        with interrupts_stop(session):
            session.start()
            wait(session, signals)
            if signals.hung_up:
                # Redirected output is still written.
                capture.give_up_terminal(Path(os.devnull), redirected_too=False)
                leave_input()
                wait(session)
    fault = printer.fault
    if not as_json:
        # The training is done: a reader that has closed, as with `| head`, does not change that.
        try:
            print_ending(runs_dir, session.run_ids)
            sys.stdout.flush()
        except (BrokenPipeError, OutputError) as error:
            fault = error
    if isinstance(fault, OutputError):
        complain_of_output(fault, AFTER_ALL)
        give_up_output()
    return signals.exit_code(session.exit_code)


def wait(session: SessionHandle, signals: LeavingSignals | None = None) -> None:
    """Wait until a session ends or the terminal closes, letting signals through meanwhile."""
    while not session.join(timeout=0.5):
        if signals is not None and signals.hung_up:
            return


def leave_input() -> None:
    """Point descriptor 0 at the null device, so that it no longer holds the terminal."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


@contextmanager
def interrupts_stop(session: SessionHandle) -> Iterator[None]:
    """Let Ctrl-C stop the session after this batch, and a second one quit at once."""
    presses = 0

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 1:
            # The trainer may sit in native code that nothing interrupts.
            os._exit(STOPPED)
        session.send(Stop(when="now"))
        with suppress(OSError):  # its terminal may have closed
            print("stopping after this batch; Ctrl-C again quits at once", file=sys.__stderr__)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Printer:
    """A printer for any emitting thread; a reader that has closed ends only the printing."""

    def __init__(self, specs: Sequence[RunSpec], out: TextIO) -> None:
        self._out: TextIO | None = out
        self.fault: OSError | None = None
        """The error that ended the printing."""
        self._lock = threading.Lock()

    def write(self, lines: Sequence[str]) -> None:
        """Write whole lines and flush them."""
        if self._out is None or not lines:
            return
        try:
            self._out.write("".join(line.rstrip("\n") + "\n" for line in lines))
            self._out.flush()
        except OSError as error:
            # The record on disk is what counts: the training matters more than its output.
            self._out, self.fault = None, error


class JsonPrinter(_Printer):
    """A sink that prints every event as its line of `events.jsonl`."""

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        with self._lock:
            self.write([event_to_line(event)])


class ProgressPrinter(_Printer):
    """A sink that prints the progress that a user wants to know, at a readable pace."""

    def __init__(self, specs: Sequence[RunSpec], out: TextIO) -> None:
        super().__init__(specs, out)
        self._lines = ProgressLines(specs)

    def catch_up(self, index: int, run_id: str, events: Iterable[Event]) -> None:
        """Apply earlier events without printing them."""
        with self._lock:
            for event in events:
                self._lines.lines(index, run_id, event)

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        with self._lock:
            self.write(self._lines.lines(index, run_id, event))
