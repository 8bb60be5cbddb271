"""One child process: its lines as they come, its peak memory, its end whatever happens here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import engine

SOURCE = Path(engine.__file__).resolve().parents[1]
"""The folder that holds `engine`: a source tree, or where it is installed."""


class ChildFailedError(Exception):
    """A child process did not do its part: one line that says which and why."""


def engine_environment(**added: str) -> dict[str, str]:
    """This environment, in which a child of any working directory finds this very `engine`."""
    paths = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **added}


def run_child(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    log: Path,
) -> int:
    """Run a command to its end; gives the peak of its resident memory in bytes.

    Linux counts what the parent held when it started the child as well: call it from a process
    that has loaded no framework.

    An exception that arrives meanwhile, an interrupt above all, kills the child and what it
    started; the child has a session of its own, so that a Ctrl-C is for the parent to deal with.

    Args:
        name: for the error.
        command: its arguments.
        environment: its whole environment.
        on_line: called with each line of its standard output, without the newline.
        log: file that takes its standard error.

    Raises:
        ChildFailedError: it ended with another status than 0.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=dict(environment),
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            with process.stdout as lines:
                for line in lines:
                    on_line(line.rstrip("\n"))
            # Popen's own wait would throw the resource usage away.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            _kill(process)
            raise
    if process.returncode:
        raise ChildFailedError(f"{name} failed: {_reason(process.returncode, log)}")
    # Linux counts in KiB, macOS in bytes.
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _reason(exit_code: int, log: Path) -> str:
    if exit_code == -signal.SIGKILL:
        return "it was killed, as the system does where memory runs out"
    if exit_code < 0:
        return f"it was ended by {signal.Signals(-exit_code).name}"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:300] if said else f"exit status {exit_code}"
