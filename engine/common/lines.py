"""Files of lines that others write: read whole, as they grow, or from their end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.common.regular_file import open_regular
from engine.errors import InputError

MAX_LINE_BYTES = 2**22
"""A line as long is passed over by every reader: NASNetLarge's tree of layers takes 300 KB."""
CHUNK_BYTES = 2**18
"""Read at once, so that a long history arrives in parts: about a thousand events."""
_BLOCK_BYTES = 2**19


class LineReader:
    """Gives the lines of a file that may still grow, each once; the file need not exist yet.

    Half a line waits for its end. A file that was cut is read on from its new end: what it holds
    was given before.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        """Begin at `offset` bytes."""
        self._path = path
        self.offset = offset
        """Bytes read so far: whole lines, or what was passed over of an endless one."""
        self._passes_over = False

    def read(self) -> list[bytes]:
        """The next lines, without their newlines; none where none was finished.

        In the place of one beyond all measure stands an empty line.
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
        """What stands behind the last whole line, up to the end of a line or of the file."""
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
    """The whole lines that a file has now, as `LineReader` gives them; a torn last one is left out.

    What cannot be read has no lines; about the first `most` bytes are read where that is given.
    """
    reader = LineReader(path)
    while (most is None or reader.offset < most) and (lines := reader.read()):
        yield from lines


def read_lines_backwards(path: Path, most: int) -> Iterator[bytes]:
    """The whole lines of about the last `most` bytes of a file, last first, by the same measure.

    What cannot be read has no lines.
    """
    try:
        with open_regular(path) as file:
            start = size = os.fstat(file.fileno()).st_size
            # What stands behind the last newline is torn, or nothing.
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
    """Cut off what a process that was killed left behind the last newline.

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
