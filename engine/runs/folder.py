"""The folder that holds the runs: there, and writable, before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import InputError


def open_runs_dir(path: Path) -> Path:
    """Make the runs folder where it is not there and check that it can be written.

    Raises:
        InputError: it cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"expected a writable folder for runs, found {path} ({error.strerror}); "
            "choose another with --runs-dir"
        ) from error
    return path
