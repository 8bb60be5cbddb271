"""`cifar-tui`: read the command line and run a command."""

from __future__ import annotations

import sys

try:
    from engine.errors import InputError, OutputError
except ImportError as error:
    if sys.platform != "win32":
        raise
    print(f"cifar-tui: {error}", file=sys.stderr)
    sys.exit(2)

import importlib
import os
from collections.abc import Callable, Sequence

from engine.common.folders import settle_home
from tui.cli.arguments import default_runs_dir
from tui.cli.forking import WaitingParent, opens_screen, run_in_child
from tui.cli.parser import build_parser
from tui.cli.streams import (
    complain_of_input,
    complain_of_output,
    give_up_output,
    note,
    prepare_streams,
)
from tui.terminal import capabilities as terminal
from tui.terminal.ascii_marks import VARIABLE as ASCII_VARIABLE

HINT = "try `cifar-tui demo --plain` or `cifar-tui --help`"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    0 all went well or was left running, 1 some run failed, 2 bad usage or input, or output that
    cannot be written, 130 interrupted.
    """
    return exit_status(_run, sys.argv[1:] if argv is None else argv)


def exit_status(work: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Run a command line with usable streams and a home folder; report an error in one line.

    With `--json` anywhere in the command line an error about input is an object of JSON.

    Returns:
        What `work` returns, or the status of the error.
    """
    prepare_streams()
    terminal.settle()
    try:
        if line := settle_home():
            note(line, as_json="--json" in argv)
        return _written(work, argv)
    except InputError as error:
        return _rejected(error, as_json="--json" in argv)
    except BrokenPipeError:
        give_up_output()
        return 1
    except OutputError as error:
        complain_of_output(error)
        give_up_output()
        return 2
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        unusable = InputError("", "a path that can be used", what)
        return _rejected(unusable, as_json="--json" in argv)
    except KeyboardInterrupt:
        return 130


def _rejected(error: InputError, *, as_json: bool) -> int:
    """Report bad input on standard error; return the exit status."""
    complain_of_input(error, as_json=as_json)
    return 2


def _written(work: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Do `work`, and write out all that it printed, however it ends."""
    try:
        status = work(argv)
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return status


def _run(argv: Sequence[str]) -> int:
    arguments = build_parser().parse_args(argv)
    if getattr(arguments, "ascii", False):
        os.environ[ASCII_VARIABLE] = "1"
        terminal.settle()
    if getattr(arguments, "runs_dir", None) is None:
        arguments.runs_dir = default_runs_dir()
    if arguments.command is None and not terminal.current().shows_screens:
        found = terminal.current().lack
        raise InputError("", "a terminal to open the launcher on", found, HINT)

    def work(parent: WaitingParent | None) -> int:
        arguments.parent = parent
        command = importlib.import_module(f"tui.cli.{arguments.command or 'launch'}")
        status: int = command.run(arguments)
        return status

    return run_in_child(work) if opens_screen(arguments) else work(None)


if __name__ == "__main__":
    sys.exit(main())
