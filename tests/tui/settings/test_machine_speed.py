"""The speed of the machine: measured by a process of its own, remembered, and told."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.widgets import Static

import tui.screens.launcher.screen
from engine.common.text import about_duration
from engine.tools.speed_probe import Speed
from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.launcher.screen import LauncherScreen
from tui.settings import machine_speed
from tui.settings.machine_speed import measure_speed, remembered_speed
from tui.settings.preferences import read_preferences, write_preferences

PRINTED = {"dense": 2e11, "separable": 1e11, "device": "cpu:0"}


def command(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


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
        "import time; time.sleep(60)",
    ],
)
def test_a_probe_that_fails_tells_nothing(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_speed, "COMMAND", command(code))
    monkeypatch.setattr(machine_speed, "LONGEST_SECONDS", 1.0)
    assert asyncio.run(measure_speed()) is None
    assert remembered_speed() is None


def test_leaving_while_it_measures_ends_it_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A screen that leaves cancels it, and the end of the event loop once more."""
    begun = tmp_path / "begun"
    code = f"import os, time; open({str(begun)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    monkeypatch.setattr(machine_speed, "COMMAND", command(code))

    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    async def leave() -> None:
        measuring = asyncio.create_task(measure_speed())
        while not (begun.exists() and begun.read_text()):
            await asyncio.sleep(0.01)
        for _ in range(2):
            measuring.cancel()
            await asyncio.sleep(0)

    began = time.monotonic()
    asyncio.run(leave())
    while psutil.pid_exists(int(begun.read_text())):
        assert time.monotonic() - began < 30
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
    make_app: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tui.screens.launcher.screen, "PROBE_AFTER_SECONDS", 0.01)
    code = f"import time; time.sleep(1); print({json.dumps(json.dumps(PRINTED))})"
    monkeypatch.setattr(machine_speed, "COMMAND", command(code))
    app = make_app(None)

    def said(words: str) -> bool:
        return words in str(app.screen.query_one("#launcher-summary", Static).render())

    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        table = app.screen.query_one(CatalogueTable)
        await until(pilot, lambda: said("measuring this machine") or said("here, ~"))
        app.screen.query_one("#field-dataset").value = "digits"
        await until(pilot, lambda: said(" here, ~") and said("GB memory"))
        await until(pilot, lambda: table.cell_text("VGG16", "seconds").startswith("~"))
        slow = table.cell_text("VGG16", "seconds")
        app.screen.query_one("#field-epochs").value = "50,50"
        await until(pilot, lambda: table.cell_text("VGG16", "seconds") != slow)
    assert remembered_speed() == Speed(**PRINTED)  # type: ignore[arg-type]
