"""Whether a process seen before still runs: its number alone may be another's by now."""

from __future__ import annotations

import os
from pathlib import Path

_START_FIELD = 19
"""Index of the start time in `/proc/<pid>/stat` after the name: field 22 in proc(5)."""


def process_identity(pid: int | None = None) -> str | None:
    """Return a text that no other process of this machine ever has; None without such a process.

    Args:
        pid: of the process; None for this one.

    On Linux it is the boot and the tick of the process's start, which a change of the clock does
    not affect; elsewhere the second of its start.
    """
    pid = os.getpid() if pid is None else pid
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name, in parentheses, may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else f"{boot}/{fields[_START_FIELD]}"
    except (OSError, IndexError):
        return _start_second(pid)


def _start_second(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.0f}"
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None
