"""Catches what anything prints to file descriptors 1 and 2, C++ and children included."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Callable
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from engine.errors import OutputError

MAX_LINE_BYTES = 4_096


class OutputCapture:
    """Puts a pipe on file descriptors 1 and 2 and hands its lines to a callable.

    While it is active, `terminal` writes to the real standard output, and `sys.__stderr__`, on
    which Textual draws, to the real standard error. What a terminal that has gone cannot take is
    dropped: an error would end Textual's writer, and the app would then wait for it for ever.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._saved: tuple[int, int] = (-1, -1)
        self._on_terminal: tuple[bool, bool] = (False, False)
        self._replaced: tuple[TextIO | None, TextIO | None] = (None, None)
        self._thread: threading.Thread | None = None
        self.terminal: TextIO = sys.stdout

    def __enter__(self) -> OutputCapture:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self._saved = (os.dup(1), os.dup(2))
        self._on_terminal = (os.isatty(1), os.isatty(2))
        encoding = sys.stdout.encoding or "utf-8"
        errors = "replace" if sys.stdout.errors in (None, "strict") else sys.stdout.errors
        terminal = text_file(self._saved[0], encoding, errors)
        self.terminal = terminal
        self._replaced = (sys.__stdout__, sys.__stderr__)
        replace_originals(terminal, text_file(self._saved[1], encoding, errors))
        read_end, write_end = os.pipe()
        os.dup2(write_end, 1)
        os.dup2(write_end, 2)
        os.close(write_end)
        self._thread = threading.Thread(target=self._drain, args=(read_end,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        for stream in (sys.stdout, sys.stderr, self.terminal, sys.__stderr__):
            # A reader that has gone must not keep the descriptors from being put back.
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.flush()
        os.dup2(self._saved[0], 1)
        os.dup2(self._saved[1], 2)
        replace_originals(*self._replaced)
        for descriptor in self._saved:
            os.close(descriptor)
        self.terminal = sys.stdout
        if self._thread is not None:
            # A child that still holds the pipe must not keep the terminal waiting.
            self._thread.join(timeout=2)

    def give_up_terminal(self, file: Path, *, redirected_too: bool = True) -> None:
        """Release the terminal; what would go there is appended to `file`.

        Descriptors 1 and 2 keep the pipe until `__exit__`, and are that file's from then on.

        Args:
            file: created if missing; if it cannot be opened, everything is dropped.
            redirected_too: whether this holds for descriptors that were a pipe or file before.
        """
        for stream in (self.terminal, sys.__stderr__):
            # There may be no terminal any more.
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.flush()
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError:
            descriptor = os.open(os.devnull, os.O_WRONLY)
        for saved, on_terminal in zip(self._saved, self._on_terminal, strict=True):
            if redirected_too or on_terminal:
                os.dup2(descriptor, saved, inheritable=False)
        os.close(descriptor)

    def _drain(self, read_end: int) -> None:
        rest = b""
        with os.fdopen(read_end, "rb", buffering=0) as pipe:
            while chunk := pipe.read(65_536):
                *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
                if len(rest) > MAX_LINE_BYTES:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._say(line)
        self._say(rest)

    def _say(self, line: bytes) -> None:
        text = line[:MAX_LINE_BYTES].decode(errors="replace").rstrip()
        # Whatever the listener raises (a full disk, say): an undrained pipe would soon block
        # every writer, the trainer too.
        with contextlib.suppress(Exception):
            if text:
                self._on_line(text)


def replace_originals(output: TextIO | None, error: TextIO | None) -> None:
    """Set `sys.__stdout__` and `sys.__stderr__`."""
    # typeshed calls them final; Textual's driver reads the second one when an app starts.
    vars(sys).update(__stdout__=output, __stderr__=error)


def text_file(
    descriptor: int, encoding: str, errors: str, *, line_buffering: bool = True, drops: bool = False
) -> TextIOWrapper:
    """Open a file that writes to an open descriptor, which stays open when the file is closed.

    What a terminal that has gone cannot take is dropped. Any other failure raises OutputError, or
    BrokenPipeError for a reader that has gone.

    Args:
        descriptor: to write to.
        encoding: of the text.
        errors: what becomes of characters that it lacks, as for `open`.
        line_buffering: whether each line is written at once.
        drops: whether everything that cannot be written is dropped silently.
    """
    raw = _LastingFile(descriptor, "w", closefd=False)
    raw.drops = drops
    return TextIOWrapper(
        BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=line_buffering
    )


class _LastingFile(FileIO):
    """Accepts and drops what is written to it once its terminal has gone."""

    drops = False

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            if not self.drops:
                raise
        except OSError as error:
            if error.errno != errno.EIO and not self.drops:
                raise OutputError(error.errno, error.strerror) from error
        return len(data)
