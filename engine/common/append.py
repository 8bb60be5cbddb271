"""A file that lines are added to, and that loses none of them to a full disk."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from engine.common.regular_file import reason_of
from engine.common.text import byte_size

FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
"""No space on the device, file too large, quota exceeded."""
WAITING_LINES = 10_000
"""Lines kept while they cannot be written; twice as many of those that matter."""


@dataclass(frozen=True, slots=True)
class DiskFull:
    """What could not be written, and where."""

    path: Path
    bytes: int
    """Bytes needed for what waits."""
    reason: str
    """The reason in the system's words: `No space left on device`."""

    @property
    def words(self) -> str:
        """The sentence for a user: what cannot be written where, and why."""
        return f"{self.path}: {self.reason}; {byte_size(self.bytes)} needed"


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error says that there is no room: disk, quota or the largest file allowed.

    HDF5 sets no errno; it names it in the text.
    """
    if not isinstance(error, OSError):
        return False
    return error.errno in FULL or any(f"errno = {number}," in str(error) for number in FULL)


class LineFile:
    """Appends lines, each in the file once `write` returns; what cannot be written waits.

    Nothing here raises OSError. A line that the disk took half of is completed before any other,
    and one that an earlier process left half-written gets its newline.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost = 0
        """Lines dropped because too many waited."""
        self._descriptor: int | None = None
        self._waiting: deque[bytes] = deque()
        self._problem = ""
        self._open()

    @property
    def full(self) -> DiskFull | None:
        """What keeps lines waiting; None where none waits."""
        if not self._waiting:
            return None
        return DiskFull(self.path, sum(map(len, self._waiting)), self._problem)

    def write(self, line: str, *, may_be_lost: bool = False) -> None:
        """Add a line, which ends with its newline.

        Args:
            line: what UTF-8 cannot encode in it becomes a question mark.
            may_be_lost: drop it if `WAITING_LINES` wait already.
        """
        if len(self._waiting) >= WAITING_LINES * (1 if may_be_lost else 2):
            self.lost += 1
        else:
            self._waiting.append(line.encode(errors="replace"))
        self.retry()

    def retry(self) -> bool:
        """Write what waits, as far as it goes; return whether nothing waits any more."""
        try:
            while self._waiting:
                self._write_first()
        except OSError as error:
            self._problem = reason_of(error)
        return not self._waiting

    def close(self) -> None:
        """Try once more and close; what still waits is lost."""
        self.retry()
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _write_first(self) -> None:
        if self._descriptor is None:
            self._open()
        if self._descriptor is None:
            raise OSError(errno.EIO, self._problem)
        line = self._waiting[0]
        written = os.write(self._descriptor, line)
        if written < len(line):
            self._waiting[0] = line[written:]
        else:
            self._waiting.popleft()

    def _open(self) -> None:
        """Open the file; where its last line has no end, that is written before all that waits."""
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                self._waiting.appendleft(b"\n")
        except OSError as error:
            self._problem = reason_of(error)
