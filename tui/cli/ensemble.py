"""`cifar-tui ensemble`: combine finished runs into one model, which is a run of its own."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TextIO

from engine.config.ensemble import Ensemble
from engine.machine.output_capture import OutputCapture
from engine.protocol.events import Event, LogLine, PhaseChanged, PhaseProgressed
from engine.runs.listing import RunRecord
from engine.runs.selecting import choose_run
from tui.cli.output import as_asked, print_json
from tui.cli.streams import note
from tui.panels.ensemble_text import NOTHING_WRITTEN, doing, how_far, made_lines


def run(arguments: argparse.Namespace) -> int:
    """Combine the runs; print what was tried, and what came of it.

    Returns:
        0, or 130 if interrupted.

    Raises:
        InputError: the runs do not fit together, or what they need is not here.
        SystemExit: a signal asked to end, with its status.
    """
    from engine.tools.ensemble import combine

    records = [choose_run(arguments.runs_dir, name) for name in arguments.runs]
    try:
        # TensorFlow writes its greeting to descriptor 2 itself, past `sys.stderr`.
        with _ending_cleanly(), OutputCapture(lambda line: None) as capture:
            on_event = _ignore if arguments.json else Teller(capture.terminal)
            made = combine(records, arguments.runs_dir, arguments.by, on_event)
    except KeyboardInterrupt:
        note(f"interrupted; {NOTHING_WRITTEN}", as_json=arguments.json)
        return 130
    ensemble = made.file.spec.ensemble
    assert ensemble is not None
    if arguments.json:
        print_json(_plain(made, ensemble))
        return 0
    with suppress(BrokenPipeError):
        print(as_asked("\n".join(["", *made_lines(made)])))
        sys.stdout.flush()
    return 0


@contextmanager
def _ending_cleanly() -> Iterator[None]:
    """Turn signals that would end the process at once into an exception, so that files go."""

    def end(number: int, frame: object) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` ignores one of them
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Teller:
    """Prints what is done now and what it showed; how far it is, where that can be drawn over."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._over = 0
        """Characters of a line that the next one is to replace."""

    def __call__(self, event: Event) -> None:
        """Take an event of the record."""
        match event:
            case LogLine():
                self._print(event.text)
            case PhaseChanged():
                self._print(doing(event))
            case PhaseProgressed() if self._terminal.isatty():
                text = f"  {how_far(event)}"
                self._clear()
                print(text, end="", file=self._terminal, flush=True)
                self._over = len(text)

    def _print(self, text: str) -> None:
        self._clear()
        print(as_asked(text), file=self._terminal, flush=True)

    def _clear(self) -> None:
        # Overwritten, not erased: any terminal can do that.
        if self._over:
            print(f"\r{' ' * self._over}\r", end="", file=self._terminal)
        self._over = 0


def _ignore(event: Event) -> None:
    """Do nothing."""


def _plain(made: RunRecord, ensemble: Ensemble) -> dict[str, Any]:
    return {
        "run": made.run_id,
        "path": str(made.directory.path.resolve()),
        "by": ensemble.by,
        "members": [
            {"run": member.run_id, "model": member.model, "weight": member.weight}
            for member in ensemble.members
        ],
        "left_out": list(ensemble.left_out),
        "validation_images": ensemble.validation_images,
        "val_accuracy": ensemble.val_accuracy,
        "test_accuracy": made.summary.test_accuracy,
        "test_images": made.summary.test_images,
    }
