"""A program in a pseudo-terminal of its own, as a person over SSH has it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence

from terminal_screen import TerminalScreen

COLUMNS, ROWS = 120, 40
WHAT_ARE_YOU, A_VT220 = b"\x1b[c", b"\x1b[?62c"
"""A question that every terminal answers."""


class Terminal:
    """Runs `cifar-tui`, or another Python program, at 120×40 and reads all that it draws."""

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
        *,
        program: Sequence[str] = ("-m", "tui"),
        inherits: bool = True,
        before: Callable[[], object] | None = None,
        answers: bool = True,
    ) -> None:
        """Start it.

        Args:
            arguments: of the command line.
            environment: on top of the usual variables.
            program: what Python is to run.
            inherits: whether the usual variables are those of this process, or next to none.
            before: what the new process does first.
            answers: whether it says what it is when it is asked.
        """
        self.started_at = time.perf_counter()
        self.bytes_drawn = 0
        self.drawn = b""
        self.screen = TerminalScreen()
        self._answers = answers
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            usual = os.environ if inherits else {"PATH": os.environ["PATH"]}
            variables = {**usual, "TERM": "xterm-256color", **(environment or {})}
            self.resize(COLUMNS, ROWS, descriptor=0)
            if before is not None:
                before()
            os.execve(sys.executable, [sys.executable, *program, *arguments], variables)

    def resize(self, columns: int, rows: int, *, descriptor: int | None = None) -> None:
        """Give it another size; what runs in it is told."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        place = self._descriptor if descriptor is None else descriptor
        fcntl.ioctl(place, termios.TIOCSWINSZ, size)

    def read(self, seconds: float, *, most: int = 65_536) -> bytes:
        """What is drawn within `seconds`, at once when something comes; empty at the end.

        Args:
            seconds: to wait.
            most: bytes to take.
        """
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return b""
        try:
            chunk = os.read(self._descriptor, most)
        except OSError:
            return b""
        self.bytes_drawn += len(chunk)
        self.drawn = (self.drawn + chunk)[-1_000_000:]
        self.screen.write(self._decoder.decode(chunk))
        if self._answers and WHAT_ARE_YOU in chunk:
            self.press(A_VT220)
        return chunk

    def wait_for(self, text: str, seconds: float) -> float:
        """Seconds from the start until `text` is drawn: all at once, or part by part.

        Raises:
            TimeoutError: it was not within `seconds`.
        """
        while time.perf_counter() - self.started_at < seconds:
            self.read(0.05)
            if text.encode() in self.drawn or self.shows(text):
                return time.perf_counter() - self.started_at
        raise TimeoutError(f"{text!r} was not drawn within {seconds} s")

    def shows(self, text: str) -> bool:
        """Whether a line of the screen has `text` now."""
        return any(text in line for line in self.screen.lines)

    def press(self, keys: str | bytes) -> None:
        """Type, or send what no keyboard does."""
        os.write(self._descriptor, keys if isinstance(keys, bytes) else keys.encode())

    @property
    def descriptor(self) -> int:
        """The terminal, from the outside."""
        return self._descriptor

    @property
    def process(self) -> int:
        """The number of the process that was started."""
        return self._pid

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        os.close(self._descriptor)

    def close(self) -> int:
        """Wait for the program's end; its exit status."""
        while True:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                while self.read(0.05):  # what it wrote last
                    pass
                os.close(self._descriptor)
                return os.waitstatus_to_exitcode(status)
            self.read(0.05)
