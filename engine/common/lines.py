"""Files of lines that others write: read whole, as they grow, or from their end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.common.regular_file import open_regular
from engine.errors import InputError

MAX_LINE_BYTES = 2**22
"""Readers skip a line of this length or more: NASNetLarge's tree of layers takes 300 KB."""
CHUNK_BYTES = 2**18
"""Bytes read at once, so that a long history arrives in parts: about a thousand events."""
_BLOCK_BYTES = 2**19


class LineReader:
    """Returns the lines of a file that may still grow, each once; the file need not exist yet.

    Half a line waits for its end. A file that was truncated is read on from its new end: what it
    holds was returned before.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        """Begin at `offset` bytes."""
        self._path = path
        self.offset = offset
        """Bytes read so far: whole lines, or what was skipped of an endless one."""
        self._passes_over = False

    def read(self) -> list[bytes]:
        """Return the next lines, without their newlines; none if none is complete.

        An empty line takes the place of one that is too long.
        """
        found = self._found()
        whole, newline, _ = found.rpartition(b"\n")
        if newline:
            self.offset += len(whole) + 1
            lines = [line if len(line) < MAX_LINE_BYTES else b"" for line in whole.split(b"\n")]
            skipped, self._passes_over = self._passes_over, False
            return [b"", *lines[1:]] if skipped else lines
        if len(found) >= MAX_LINE_BYTES:
            self.offset += len(found)
            self._passes_over = True
            return [b""]
        return []

    def _found(self) -> bytes:
        """Return the bytes after the last whole line, up to the end of a line or of the file."""
        try:
            size = self._path.stat().st_size
            self.offset = min(self.offset, size)
            if size == self.offset:
                return b""
            with open_regular(self._path) as file:
                file.seek(self.offset)
                found = file.read(CHUNK_BYTES)
                if b"\n" not in found:
                    found += file.read(max(MAX_LINE_BYTES - len(found), 0))
                return found
        except (OSError, InputError):
            return b""


def read_lines(path: Path, most: int | None = None) -> Iterator[bytes]:
    """Yield the whole lines of a file as it is now, as `LineReader` does, without a torn last one.

    A file that cannot be read has no lines; with `most`, about its first `most` bytes are read.
    """
    reader = LineReader(path)
    while (most is None or reader.offset < most) and (lines := reader.read()):
        yield from lines


def read_lines_backwards(path: Path, most: int) -> Iterator[bytes]:
    """Yield the whole lines of about the last `most` bytes of a file, last first.

    A file that cannot be read has no lines, and a line that is too long is skipped.
    """
    try:
        with open_regular(path) as file:
            start = size = os.fstat(file.fileno()).st_size
            # What follows the last newline is torn, or nothing.
            tail, is_unwanted = b"", True
            while start > max(size - most, 0):
                length = min(_BLOCK_BYTES, start)
                start -= length
                file.seek(start)
                first, *lines = (file.read(length) + tail).split(b"\n")
                if is_unwanted:
                    if not lines:
                        continue
                    lines.pop()
                yield from (line for line in reversed(lines) if len(line) < MAX_LINE_BYTES)
                is_unwanted = len(first) >= MAX_LINE_BYTES
                tail = b"" if is_unwanted else first
            if start == 0 and not is_unwanted:
                yield tail
    except (OSError, InputError):
        return


def drop_torn_line(path: Path) -> None:
    """Cut off what a killed process left after the last newline.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("rb+") as file:
        end = start = file.seek(0, os.SEEK_END)
        whole = 0
        while start and not whole:
            length = min(_BLOCK_BYTES, start)
            start -= length
            file.seek(start)
            if (place := file.read(length).rfind(b"\n")) >= 0:
                whole = start + place + 1
        if whole < end:
            file.truncate(whole)
