"""The machine panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.events import GpuReading, HardwareSampled
from engine.snapshot import HardwareHistory, RunSnapshot
from tui.panels.hardware import HardwarePanel, cores, machine_lines, sparkline

GIB = 2**30


def sample(*gpus: GpuReading, note: str = "", core_count: int = 2) -> HardwareSampled:
    return HardwareSampled(
        cpu_percent=(50.0,) * core_count,
        memory_used_bytes=3 * GIB,
        memory_total_bytes=24 * GIB,
        process_memory_bytes=GIB,
        gpus=gpus,
        gpu_note=note,
    )


@pytest.fixture
def history() -> HardwareHistory:
    """Three readings of one GPU, the second missing."""
    return HardwareHistory((0.0, 50.0, 100.0), (10.0, 10.0, 12.0), ((10.0, None, 90.0),))


def texts(run: RunSnapshot, width: int = 40) -> list[str]:
    return [line.plain for line in machine_lines(run, width)]


def test_processor_and_memory(run: RunSnapshot, history: HardwareHistory) -> None:
    lines = texts(replace(run, hardware=sample(note="no GPU"), hardware_history=history))
    assert lines[0].split() == ["cpu", "100", "%", "▁▅█"]
    assert lines[2].startswith("memory  3.00 GB")
    assert lines[2].endswith("24.0 GB")
    assert lines[4].split() == ["gpu", "N/A", "no", "GPU"]


def test_what_a_gpu_does_not_tell_is_not_available(
    run: RunSnapshot, history: HardwareHistory
) -> None:
    gpu = GpuReading("NVIDIA H100", None, None, None)
    lines = texts(replace(run, hardware=sample(gpu), hardware_history=history))
    assert lines[4].split() == ["gpu", "0", "N/A", "▁·█"]
    assert lines[5].split() == ["memory", "N/A"]
    assert lines[6].split() == ["NVIDIA", "H100"]


def test_a_gpu_that_tells(run: RunSnapshot) -> None:
    gpu = GpuReading("NVIDIA H100", 71.0, 12 * GIB, 80 * GIB)
    lines = texts(replace(run, hardware=sample(gpu)))
    assert "71 %" in lines[4]
    assert lines[5].split()[1:3] == ["12.0", "GB"]


@pytest.mark.parametrize("count", [1, 2, 8, 64, 400])
@pytest.mark.parametrize("width", [12, 20, 40, 120])
def test_no_line_is_wider_than_the_panel(run: RunSnapshot, count: int, width: int) -> None:
    gpu = GpuReading("NVIDIA H100 80GB HBM3", 71.0, 12 * GIB, 80 * GIB)
    past = HardwareHistory((50.0,) * 120, (50.0,) * 120, ((50.0,) * 120,))
    now = replace(run, hardware=sample(gpu, core_count=count), hardware_history=past)
    room = max(width, 18)
    assert all(len(line) <= room for line in texts(now, width))


def test_cores_share_the_room() -> None:
    assert cores((), 10).plain == ""
    assert len(cores((100.0, 0.0), 11).plain) == 11
    assert cores((0.0, 100.0) * 8, 16).plain == "▁█" * 8
    assert len(cores((50.0,) * 400, 30).plain) <= 30


def test_sparkline_has_the_newest_at_the_right() -> None:
    assert sparkline((0.0, 100.0), 4).plain == "  ▁█"
    assert sparkline((0.0, None, 100.0), 2).plain == "·█"


async def test_the_panel_shows_the_latest_sample(session: Any, running: Any, until: Any) -> None:
    async with running(session) as pilot:
        panel = pilot.app.screen.query_one(HardwarePanel)
        assert "waiting" in panel.render().plain
        session.play(sample(note="no GPU"))
        await until(pilot, lambda: "no GPU" in panel.render().plain)
