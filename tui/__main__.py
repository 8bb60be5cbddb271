"""`cifar-tui`: reads the command line and hands over to a command."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from engine.errors import InputError
from engine.formatting import printable
from tui.ascii_marks import VARIABLE as ASCII_VARIABLE
from tui.cli.forking import WaitingParent, opens_screen, run_in_child
from tui.cli.options import default_runs_dir
from tui.cli.parser import build_parser, join_values
from tui.cli.terminal import on_terminal
from tui.slow_link import VARIABLE as SLOW_VARIABLE

HINT = (
    "cifar-tui: expected a terminal to open the launcher on, found none; "
    "try `cifar-tui demo --plain` or `cifar-tui --help`"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0 all went well or was left running, 1 some run failed, 2 bad usage or input, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except InputError as error:
        print(f"cifar-tui: {_one_line(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Python would complain once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(
            f"cifar-tui: expected a path that can be used, found {_one_line(what)}", file=sys.stderr
        )
        return 2
    except KeyboardInterrupt:
        return 130


def _run(argv: Sequence[str]) -> int:
    arguments = build_parser().parse_args(join_values(argv))
    if getattr(arguments, "ascii", False):
        os.environ[ASCII_VARIABLE] = "1"
    if getattr(arguments, "slow_link", False):
        os.environ[SLOW_VARIABLE] = "1"
    if arguments.mirror is not None:
        from engine.mirror import use_mirror

        use_mirror(arguments.mirror)
    if getattr(arguments, "runs_dir", None) is None:
        arguments.runs_dir = default_runs_dir()
    if arguments.command is None and not on_terminal():
        print(HINT, file=sys.stderr)
        return 2

    def work(parent: WaitingParent | None) -> int:
        arguments.parent = parent
        command = importlib.import_module(f"tui.cli.{arguments.command or 'launch'}")
        status: int = command.run(arguments)
        sys.stdout.flush()
        return status

    return run_in_child(work) if opens_screen(arguments) else work(None)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


if __name__ == "__main__":
    sys.exit(main())
