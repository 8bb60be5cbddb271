"""Processes that end with their test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.support.processes import PROGRAM, ROOT


@pytest.fixture
def started() -> Iterator[list[psutil.Process]]:
    """The processes of a test; what is left of them is ended with it."""
    processes: list[psutil.Process] = []
    yield processes
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
        if isinstance(process, psutil.Popen):
            process.wait()


@pytest.fixture
def start(started: list[psutil.Process]) -> Callable[..., psutil.Popen]:
    """Starts the command without a screen."""

    def start(*arguments: str, **options: Any) -> psutil.Popen:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        usual: dict[str, Any] = {"stdout": subprocess.DEVNULL, "env": environment}
        process = psutil.Popen([*PROGRAM, *arguments], **(usual | options))
        started.append(process)
        return process

    return start
