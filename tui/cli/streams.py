"""The standard streams, made usable: open, with marks for missing characters, clear on errors."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, TextIO

from engine.common.text import printable
from engine.errors import InputError, OutputError
from engine.machine.output_capture import replace_originals, text_file
from tui.settings.option_names import as_field, as_flag, in_flags
from tui.terminal.ascii_marks import to_ascii

MARKS = "cifar-tui-marks"
"""A value of `open`'s `errors`: write an ASCII mark for a character that an encoding lacks."""
PARTS = ("field", "place", "expected", "found", "hint")
"""Of an error about input, as `--json` has them."""
_errors_are_lost = False


def prepare_streams() -> None:
    """Open those of the descriptors 0 to 2 that are closed, and print to the last two.

    A closed one would be taken by the next file that is opened: a checkpoint, say, into which
    TensorFlow would then write its greeting.
    """
    global _errors_are_lost
    # A closed standard output stays unwritable, which is reported; nobody waits for standard error.
    closed = [
        number
        for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))
        if _reopened(number, mode)
    ]
    _errors_are_lost = 2 in closed
    codecs.register_error(MARKS, _mark)
    sys.stdout = _own(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _own(sys.stderr, sys.__stderr__, 2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=MARKS)


def complain(text: str) -> None:
    """Print in one line why the command ends."""
    _print(f"cifar-tui: {text}")


def complain_of_input(error: InputError, *, as_json: bool) -> None:
    """Report bad input in one line: in words, or as an object of JSON."""
    line = line_of(error)
    if not as_json:
        complain(line)
        return
    parts = {part: in_flags(getattr(error, part)) for part in PARTS}
    parts |= {"field": as_field(error.field), "message": line}
    _print_object({"error": parts})


def line_of(error: InputError) -> str:
    """Return what was wrong with input in one line, with flags, that any terminal can show."""
    return printable(" ".join(error.line(as_flag).split()))


def note(line: str, *, as_json: bool) -> None:
    """Print in one line what a user should know: in words, or as an object of JSON."""
    if as_json:
        _print_object({"note": line})
    else:
        complain(line)


def _print_object(value: dict[str, Any]) -> None:
    import json  # only this takes it

    _print(json.dumps(value))


def _print(line: str) -> None:
    """Print on standard error, or without it on the terminal; a line that is lost stops nothing."""
    stream = sys.stdout if _errors_are_lost and sys.stdout.isatty() else sys.stderr
    with suppress(OSError):
        print(line, file=stream, flush=True)


def complain_of_output(error: OutputError, consequence: str = "") -> None:
    """Report that output was lost, and why."""
    found = "closed" if error.errno == errno.EBADF else error.strerror
    complain(f"expected a standard output that can be written, found: {found}{consequence}")


def give_up_output() -> None:
    """Drop unwritten output; Python would complain again when it flushes at exit."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def _reopened(number: int, mode: int) -> bool:
    """Open a descriptor if it is closed; return whether it was."""
    try:
        os.fstat(number)
    except OSError:
        # `open` takes the lowest free number; those below are open by now.
        os.open(os.devnull, mode)
        os.set_inheritable(number, True)
        return True
    return False


def _own(stream: TextIO | None, original: TextIO | None, number: int) -> TextIO:
    """Return the stream to print to; a replaced original stays replaced, as where tests capture."""
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
