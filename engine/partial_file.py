"""What has come of a download so far: kept beside the file it becomes, to go on from."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two processes that fetch the same file are not kept apart there
    fcntl = None  # type: ignore[assignment]

_MOST_ABOUT_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class PartialFile:
    """A file that grows at its end, held by one download at a time."""

    path: Path
    file: FileIO
    is_shared: bool
    """Whether it lies where the next download looks for it; else it goes when closed."""

    def source(self, url: str) -> tuple[int, str]:
        """Bytes that came from `url` and its validator for `If-Range`, empty where it gave none."""
        size = os.fstat(self.file.fileno()).st_size
        about = self._about()
        if not size or about.get("url") != url:
            return 0, ""
        return size, about.get("validator", "")

    def begin(self, url: str, validator: str) -> None:
        """Forget what is here and note where the bytes to come are from."""
        self.clear()
        text = json.dumps({"url": url, "validator": validator})
        if self.is_shared:
            self._about_path.write_text(text, encoding="utf-8")

    def append(self, chunk: bytes) -> None:
        """Write at the end; unbuffered, so that closing has nothing left to fail with."""
        left = memoryview(chunk)
        while left:
            left = left[self.file.write(left) :]

    def become(self, destination: Path) -> None:
        """Sync, and take the place of `destination`."""
        os.fsync(self.file.fileno())
        self.path.replace(destination)
        self._about_path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Empty it; an empty one is gone once closed."""
        self.file.seek(0)
        self.file.truncate()

    def close(self) -> None:
        """Let go of it, and remove it where nothing can go on from it."""
        with contextlib.suppress(OSError):
            is_here = self._is(self.path)
            if is_here and (not self.is_shared or not os.fstat(self.file.fileno()).st_size):
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
    """The partial file of `destination`, its folder made; one of its own where that is in use.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    path = destination.with_name(f"{destination.name}.part")
    while True:
        partial = PartialFile(path, _open(path), True)
        if not _lock(partial.file):
            partial.file.close()
            break
        # The holder before may have renamed the file between the opening and the lock.
        if partial._is(path):
            partial.file.seek(0, os.SEEK_END)
            return partial
        partial.file.close()
    own = path.with_name(f"{path.name}-{os.getpid()}-{threading.get_ident()}")
    return PartialFile(own, _open(own), False)


def _open(path: Path) -> FileIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    return FileIO(descriptor, "r+b")


def _lock(file: FileIO) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
