"""The speed of this machine: measured once by a process of its own, then remembered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.codec import from_plain, to_plain
from engine.errors import InputError
from engine.speed_probe import Speed, read_speed
from tui.preferences import read_preferences, write_preferences

SECTION = "speed"
"""Of the preferences."""
COMMAND = (sys.executable, "-P", "-m", "engine.speed_probe")
"""`-P`: an `engine` in the current folder is another one."""
LONGEST_SECONDS = 90.0
"""For the whole process: loading TensorFlow takes most of it."""


def remembered_speed() -> Speed | None:
    """What was measured here before; None on another machine or with another TensorFlow."""
    kept = read_preferences(SECTION)
    if kept.get("machine") != _machine():
        return None
    try:
        speed: Speed = from_plain(Speed, kept.get("speed"))
    except InputError:
        return None
    return speed if min(speed.dense, speed.separable) > 0 else None


async def measure_speed() -> Speed | None:
    """Measure and remember; None where that did not come to an end. Cancelled, it ends at once."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_python_path())},
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LONGEST_SECONDS)
        speed = read_speed(output.decode(errors="replace"))
    except (InputError, ValueError, TimeoutError):
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if min(speed.dense, speed.separable) <= 0:
        return None
    write_preferences(SECTION, {"machine": _machine(), "speed": to_plain(speed)})
    return speed


def _python_path() -> list[str]:
    """Where the process finds this very program, installed or not."""
    here = str(Path(__file__).parents[1])
    return [here, *filter(None, [os.environ.get("PYTHONPATH")])]


def _machine() -> str:
    try:
        tensorflow = version("tensorflow")
    except PackageNotFoundError:
        tensorflow = ""
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    return f"{platform.node()} {os.cpu_count()} {devices} {tensorflow}"
