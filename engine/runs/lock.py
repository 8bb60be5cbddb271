"""The lock of a run: one process writes it, and every other can see which."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.common.codec import from_plain, to_plain
from engine.common.locks import try_lock
from engine.errors import InputError

LOOK_SECONDS = 1.0
"""Seconds, longer than any process looks at a lock; see `holder`."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that writes a run."""

    pid: int
    host: str


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the system releases it when the process ends, however it ends.

    Args:
        path: of the file, which an earlier holder may have left.

    Raises:
        InputError: another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _lock_soon(descriptor):
            other = _read(descriptor)
            who = f"process {other.pid} on {other.host}" if other else "another process"
            hint = "wait for its end or stop it"
            raise InputError("", "no process writing it", who, hint, path.parent.name)
        _write(descriptor)
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> Holder | None:
    """Return the process that holds a lock file; None where none does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if try_lock(descriptor, shared=True) else _read(descriptor) or Holder(0, "")
    finally:
        os.close(descriptor)


def _lock_soon(descriptor: int) -> bool:
    """Lock, waiting for processes that only look whether it is locked; return whether it is."""
    deadline = time.monotonic() + LOOK_SECONDS
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS / 50)
    return True


def _write(descriptor: int) -> None:
    import socket

    os.ftruncate(descriptor, 0)
    text = json.dumps(to_plain(Holder(os.getpid(), socket.gethostname())))
    os.pwrite(descriptor, text.encode(), 0)


def _read(descriptor: int) -> Holder | None:
    try:
        held: Holder = from_plain(Holder, json.loads(os.pread(descriptor, 4_096, 0)))
    except (OSError, ValueError, InputError):
        return None
    return held
