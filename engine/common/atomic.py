"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to; synced and renamed at the end, removed on an error.

    It keeps the ending of `path`, by which Keras chooses a format.
    """
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield aside
        descriptor = os.open(aside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
