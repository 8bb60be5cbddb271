"""The speed of the machine: measured by a process of its own, remembered, and told."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.common.text import about_duration
from engine.tools.speed_probe import Speed
from tests.support.launcher import Launcher
from tests.support.screens import until
from tests.support.tables import cell_text
from tui.settings import machine_speed
from tui.settings.machine_speed import measure_speed, remembered_speed
from tui.settings.preferences import read_preferences, write_preferences

PRINTED = {"dense": 2e11, "separable": 1e11, "device": "cpu:0"}


def command(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.mark.slow("the measuring itself, with TensorFlow, beside a folder of the engine's name")
def test_the_real_probe_measures_this_machine_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit('another engine')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert remembered_speed() is None
    speed = asyncio.run(measure_speed())
    assert speed is not None
    assert 1e8 < speed.separable < speed.dense < 1e16
    assert remembered_speed() == speed
    kept = read_preferences(machine_speed.SECTION)
    write_preferences(machine_speed.SECTION, {**kept, "machine": "another"})
    assert remembered_speed() is None


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(1)",
        "print('no JSON')",
        "print('{}')",
        'print(\'{"dense": 0, "separable": 1, "device": ""}\')',
    ],
)
def test_a_probe_that_fails_tells_nothing(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_speed, "COMMAND", command(code))
    assert asyncio.run(measure_speed()) is None
    assert remembered_speed() is None


def test_a_probe_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_speed, "COMMAND", command("import signal; signal.pause()"))
    monkeypatch.setattr(machine_speed, "LONGEST_SECONDS", 0.1)
    assert asyncio.run(measure_speed()) is None
    assert remembered_speed() is None


def test_leaving_while_it_measures_ends_it_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A screen that leaves cancels it, and the end of the event loop once more."""
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    code = (
        "import os, signal\n"
        f"with open({str(begun)!r}, 'w') as begun: begun.write(str(os.getpid()))\n"
        "signal.pause()"
    )
    monkeypatch.setattr(machine_speed, "COMMAND", command(code))

    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    async def leave() -> int:
        measuring = asyncio.create_task(measure_speed())
        process = int(await asyncio.to_thread(begun.read_text))
        for _ in range(2):
            measuring.cancel()
            await asyncio.sleep(0)
        return process

    # The end of the event loop waits for the thread, and that for the process.
    assert not psutil.pid_exists(asyncio.run(leave()))
    gc.collect()
    assert complaints == []
    assert caplog.records == []  # asyncio's would be of a loop that is closed


def test_a_time_is_told_as_exactly_as_it_is_known() -> None:
    written = [about_duration(seconds) for seconds in (3, 44, 89, 100, 5_000, 18_000)]
    assert written == ["~10 s", "~40 s", "~90 s", "~2 min", "~83 min", "~5.0 h"]


@pytest.mark.parametrize("kept", [{}, {"speed": 3}, {"speed": {"dense": "x"}}])
def test_a_damaged_memory_is_as_good_as_none(kept: dict[str, Any]) -> None:
    write_preferences(machine_speed.SECTION, {"machine": machine_speed._machine(), **kept})
    assert remembered_speed() is None


async def test_the_launcher_measures_and_tells_minutes_and_memory(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_speed, "MEASURE_AFTER_SECONDS", 0.01)
    measured = tmp_path / "measured"
    os.mkfifo(measured)
    monkeypatch.setattr(machine_speed, "COMMAND", command(f"print(open({str(measured)!r}).read())"))
    async with launcher((140, 40)) as page:

        def seconds() -> str:
            return cell_text(page.table, "VGG16", "seconds")

        await page.says("measuring this machine")
        await asyncio.to_thread(measured.write_text, json.dumps(PRINTED))
        page.field("dataset").value = "digits"
        await page.says(" here, ~")
        await page.says("GB memory")
        await until(page.pilot, lambda: seconds().startswith("~"))
        slow = seconds()
        page.field("epochs").value = "50,50"
        await until(page.pilot, lambda: seconds() != slow)
    assert remembered_speed() == Speed(**PRINTED)  # type: ignore[arg-type]
