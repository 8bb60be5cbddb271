"""The cores that this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def usable_cores(root: Path = _ROOT) -> int:
    """Return the cores that this process may keep busy, at least 1.

    Args:
        root: the folder of the control group.
    """
    allowed = core_quota(root)
    cores = visible_cores()
    return cores if allowed is None else max(1, min(cores, math.ceil(allowed)))


def visible_cores() -> int:
    """Return the cores on which this process may be scheduled."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def core_quota(root: Path = _ROOT) -> float | None:
    """Return the cores' time that the control group allows; None where it sets no limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
