"""The part of a download that has arrived, kept beside its file to be resumed from."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import threading
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from engine.common.locks import try_lock

_MOST_ABOUT_BYTES = 10_000
STALE_SECONDS = 60.0
"""Age at which an extra partial file that no process holds is removed."""


@dataclass(frozen=True, slots=True)
class PartialFile:
    """A file that grows at its end, held by one download at a time."""

    path: Path
    file: FileIO
    is_shared: bool
    """Whether it is where the next download looks for it; else it is removed when closed."""

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return os.fstat(self.file.fileno()).st_size

    def source(self, url: str) -> tuple[int, str]:
        """Return the bytes from `url` and its validator for `If-Range`, empty if it sent none."""
        about = self._about()
        if not self.size or about.get("url") != url:
            return 0, ""
        return self.size, about.get("validator", "")

    def beside(self) -> PartialFile:
        """Return an empty partial file, for bytes that may be of another file than these.

        Raises:
            OSError: it cannot be written.
        """
        return _of_its_own(self.path)

    def replace_shorter(self, other: PartialFile) -> None:
        """Replace another one that holds less, so that the next download resumes from this.

        Raises:
            OSError: it cannot be replaced.
        """
        if self is other or not other.is_shared or self.size <= other.size:
            return
        # The file before its validator: with the wrong one, a file is requested from its start.
        self.path.replace(other.path)
        self._about_path.replace(other._about_path)

    def begin(self, url: str, validator: str) -> None:
        """Drop what is here and note where the coming bytes are from."""
        self.clear()
        text = json.dumps({"url": url, "validator": validator})
        self._about_path.write_text(text, encoding="utf-8")

    def append(self, chunk: bytes) -> None:
        """Write at the end; unbuffered, so that closing cannot fail."""
        left = memoryview(chunk)
        while left:
            left = left[self.file.write(left) :]

    def become(self, destination: Path) -> None:
        """Sync the file and rename it to `destination`."""
        os.fsync(self.file.fileno())
        self.path.replace(destination)
        self._about_path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Empty it; an empty one is removed when closed."""
        self.file.seek(0)
        self.file.truncate()

    def close(self) -> None:
        """Release it, and remove it if no download can resume from it."""
        with contextlib.suppress(OSError):
            is_here = self._is(self.path)
            if is_here and (not self.is_shared or not self.size):
                self.path.unlink()
                self._about_path.unlink(missing_ok=True)
        self.file.close()

    @property
    def _about_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    def _about(self) -> dict[str, str]:
        try:
            with self._about_path.open(encoding="utf-8") as file:
                about = json.loads(file.read(_MOST_ABOUT_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(about, dict) or not all(isinstance(v, str) for v in about.values()):
            return {}
        return about

    def _is(self, path: Path) -> bool:
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), path.stat())
        except FileNotFoundError:
            return False


def open_partial(destination: Path) -> PartialFile:
    """Open the partial file of `destination`, making its folder; another one if that is in use.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    path = destination.with_name(f"{destination.name}.part")
    while True:
        partial = PartialFile(path, _open(path), True)
        if not try_lock(partial.file.fileno()):
            partial.file.close()
            return _of_its_own(path)
        # The previous holder may have renamed the file between the opening and the lock.
        if partial._is(path):
            partial.file.seek(0, os.SEEK_END)
            _forget_stale(path)
            return partial
        partial.file.close()


def _of_its_own(path: Path) -> PartialFile:
    own = path.with_name(f"{path.name}-{os.getpid()}-{threading.get_ident()}")
    partial = PartialFile(own, _open(own), False)
    try_lock(partial.file.fileno())
    partial.clear()
    return partial


def _forget_stale(path: Path) -> None:
    """Remove the extra partial files that ended processes left beside one."""
    for own in path.parent.glob(f"{glob.escape(path.name)}-*[0-9]"):
        with contextlib.suppress(OSError), FileIO(own, "r") as file:
            is_old = time.time() - own.stat().st_mtime > STALE_SECONDS
            if is_old and try_lock(file.fileno(), where_unsupported=False):
                own.unlink()
                own.with_name(f"{own.name}.json").unlink(missing_ok=True)


def _open(path: Path) -> FileIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    return FileIO(descriptor, "r+b")
