"""Open what should be a file and may be anything: a pipe, a device, a loop of links, 2 GB."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from engine.common.text import byte_size
from engine.errors import InputError

_BUFFER_BYTES = 2**18
_MOST_REASON = 100


def reason_of(error: BaseException) -> str:
    """Return why a file cannot be read or written: the system's words, else those of the error."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"[:_MOST_REASON].removesuffix(": ")


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading bytes; never waits, as opening a named pipe would.

    Raises:
        OSError: it cannot be opened.
        InputError: it is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb", _BUFFER_BYTES)
    os.close(descriptor)
    raise InputError("", "a file", "something else of that name", place=path.name)


def read_regular(path: Path, most: int) -> bytes:
    """Return all bytes of a file of at most `most` bytes.

    Raises:
        OSError: it cannot be read.
        InputError: it is not a regular file, or longer.
    """
    with open_regular(path) as file:
        found = os.fstat(file.fileno()).st_size
        if found > most:
            limit = f"at most {byte_size(most)}"
            raise InputError("", limit, byte_size(found), place=path.name)
        return file.read(most)


def digest_regular(path: Path) -> bytes:
    """Return the SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
        InputError: it is not a regular file.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(_BUFFER_BYTES):
            digest.update(chunk)
    return digest.digest()
