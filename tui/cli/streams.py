"""The standard streams, made fit to be used: there, and clear about what they do not take."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TextIO

from engine.errors import OutputError
from engine.machine.output_capture import replace_originals, text_file
from tui.terminal.ascii_marks import to_ascii

MARKS = "cifar-tui-marks"
"""Of `open`'s `errors`: an ASCII mark for what an encoding lacks."""
_errors_are_lost = False


def prepare_streams() -> None:
    """Have descriptors 0 to 2 open, and print to the last two of them.

    One that was closed would be the next file that anything opens: a checkpoint, say, into which
    TensorFlow then writes its greetings.
    """
    global _errors_are_lost
    # Standard output cannot be written then, which is said; nobody waits for standard error.
    closed = [
        number
        for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))
        if _opened_anew(number, mode)
    ]
    _errors_are_lost = 2 in closed
    codecs.register_error(MARKS, _mark)
    sys.stdout = _own(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _own(sys.stderr, sys.__stderr__, 2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=MARKS)


def complain(text: str) -> None:
    """Say in one line why the command ends: on standard error, or on the terminal without one."""
    stream = sys.stdout if _errors_are_lost and sys.stdout.isatty() else sys.stderr
    with suppress(OSError):
        print(f"cifar-tui: {text}", file=stream, flush=True)


def complain_of_output(error: OutputError, consequence: str = "") -> None:
    """Say that what was printed is lost, and why."""
    found = "closed" if error.errno == errno.EBADF else error.strerror
    complain(f"expected a standard output that can be written, found: {found}{consequence}")


def give_up_output() -> None:
    """Drop what was not written; Python would complain once more while it flushes at exit."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def _opened_anew(number: int, mode: int) -> bool:
    """Whether a descriptor was closed, which it is no more."""
    try:
        os.fstat(number)
    except OSError:
        # The lowest free number is taken, so those below are open by now.
        os.open(os.devnull, mode)
        os.set_inheritable(number, True)
        return True
    return False


def _own(stream: TextIO | None, original: TextIO | None, number: int) -> TextIO:
    """The stream to print to; what took the original's place stays, as where tests capture."""
    if stream is not None and stream is not original:
        return stream
    made = text_file(
        number,
        (stream and stream.encoding) or "utf-8",
        MARKS,
        line_buffering=number == 2 or os.isatty(number),
        drops=number == 2,
    )
    if number == 1:
        replace_originals(made, sys.__stderr__)
    else:
        replace_originals(sys.__stdout__, made)
    return made


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    marks = to_ascii(error.object[error.start : error.end])
    return marks if marks.isascii() else "?", error.end
