"""The speed of this machine: measured once in a separate process, then remembered."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.common.codec import from_plain, to_plain
from engine.errors import InputError
from engine.tools.speed_probe import Speed
from tui.settings.preferences import read_preferences, write_preferences

SECTION = "speed"
"""Of the preferences."""
COMMAND = (sys.executable, "-P", "-m", "engine.tools.speed_probe")
"""`-P`: an `engine` in the current folder is not this one."""
MEASURE_AFTER_SECONDS = 1.0
"""Measuring keeps the machine busy, so the first frame and the first keys come before it."""
LONGEST_SECONDS = 90.0
"""For the whole process; loading TensorFlow takes most of it."""


def remembered_speed() -> Speed | None:
    """Return what was measured before; None on another machine or with another TensorFlow."""
    kept = read_preferences(SECTION)
    if kept.get("machine") != _machine():
        return None
    return _speed_in(kept.get("speed"))


async def measure_speed() -> Speed | None:
    """Measure and remember; None if the measurement failed. Ends at once when it is cancelled."""
    # The process finds this same program, installed or not.
    folders = filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")])
    # Not asyncio's own processes: one that ends after the screen finds the event loop closed.
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    )
    try:
        lines = (await asyncio.to_thread(_answer, process)).splitlines()
        speed = _speed_in(json.loads(lines[-1] if lines else ""))
    except ValueError:
        return None
    finally:
        process.kill()  # the thread that waits for it ends with it
    if speed is not None:
        write_preferences(SECTION, {"machine": _machine(), "speed": to_plain(speed)})
    return speed


def _speed_in(value: object) -> Speed | None:
    """Return the speed that plain values hold; None if it is none."""
    try:
        speed: Speed = from_plain(Speed, value)
    except InputError:
        return None
    return speed if min(speed.dense, speed.separable) > 0 else None


def _answer(process: subprocess.Popen[bytes]) -> str:
    """Read what a process writes until its end, within the time limit."""
    try:
        output, _ = process.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    return output.decode(errors="replace")


def _machine() -> str:
    try:
        tensorflow = version("tensorflow")
    except PackageNotFoundError:
        tensorflow = ""
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    return f"{platform.node()} {os.cpu_count()} {devices} {tensorflow}"
