"""The machine panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.protocol.events import HardwareSampled
from engine.protocol.facts import GpuReading
from engine.state.snapshot import HardwareHistory, RunSnapshot
from tests.support.fake_session import FakeSession
from tests.support.screens import Running, until
from tui.panels.machine.panel import HardwarePanel, machine_lines
from tui.panels.machine.rows import cores, sparkline

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


def test_where_it_is_narrow_no_number_and_no_word_is_cut_to_nothing(
    run: RunSnapshot, history: HardwareHistory
) -> None:
    plain = texts(replace(run, hardware=sample(note="no GPU"), hardware_history=history), 19)
    assert plain == [
        "cpu       100 %  ▅█",
        "cores         2  ▅▅",
        "memory  3.00 GB  ━━",
        "program 1.00 GB  ━━",
        "gpu     no GPU",
    ]
    why = texts(replace(run, hardware=sample(note="NVML: driver not loaded")), 19)[-1]
    assert why == "gpu     NVML: driv…"


def gpu(**changes: Any) -> GpuReading:
    whole = GpuReading(
        name="NVIDIA H100 80GB HBM3",
        utilization_percent=71.0,
        memory_used_bytes=12 * GIB,
        memory_total_bytes=80 * GIB,
        temperature_celsius=61.0,
        power_watts=350.0,
        power_limit_watts=700.0,
        throttled="",
        processes=2,
        uuid="GPU-1",
        cuda_index=0,
    )
    return replace(whole, **changes)


def shown(run: RunSnapshot, *gpus: GpuReading, height: int | None = None, width: int = 40) -> str:
    now = replace(run, hardware=sample(*gpus), device="gpu:0")
    lines = machine_lines(now, width, height)
    assert height is None or len(lines) <= height
    assert all(line.cell_length <= width for line in lines)
    return "\n".join(line.plain for line in lines)


def test_a_gpu_is_shown_in_full_where_there_is_room(run: RunSnapshot) -> None:
    full = shown(run, gpu(throttled="thermal")).splitlines()[4:]
    assert full[0].split()[:4] == ["gpu", "0", "●", "71"]
    assert full[0].endswith("61 °C")
    assert full[1].split()[1:3] == ["12.0", "GB"]
    assert full[1].endswith("80.0 GB")
    assert full[2].split()[1:3] == ["350", "W"]
    assert full[2].endswith("700 W")
    assert full[3].split() == ["clocks", "thermal", "2", "processes"]
    assert full[4].strip() == "NVIDIA H100 80GB HBM3"


def test_what_a_gpu_does_not_tell_is_not_available(
    run: RunSnapshot, history: HardwareHistory
) -> None:
    silent = GpuReading("NVIDIA H100", None, None, None)
    run = replace(run, hardware_history=history)
    full = shown(run, silent).splitlines()[4:]
    assert full[0].split() == ["gpu", "0", "N/A", "▁·█", "N/A", "°C"]
    assert [line.split() for line in full[1:]] == [
        ["memory", "N/A"],
        ["power", "N/A", "N/A"],
        ["clocks", "N/A", "N/A", "processes"],
        ["NVIDIA", "H100"],
    ]
    assert "0 %" not in "".join(full)


def test_a_split_gpu_and_a_lost_one_say_so(run: RunSnapshot) -> None:
    split = shown(run, gpu(utilization_percent=None, note="MIG")).splitlines()[4]
    assert split.split() == ["gpu", "0", "●", "N/A", "MIG", "61", "°C"]
    lost = GpuReading("NVIDIA H100", None, None, None, note="lost")
    for height in (None, 8, 7, 6):
        text = shown(run, gpu(), lost, height=height)
        line = next(line for line in text.splitlines() if "gpu 1" in line)
        assert line.split()[2:4] == ["N/A", "lost"]


def test_on_a_narrow_panel_a_gpu_keeps_what_matters(run: RunSnapshot) -> None:
    text = shown(run, gpu(), height=7, width=19)
    for told in ("71 %", "12.0 GB", "350 W", "61 °C"):
        assert told in text
    lost = GpuReading("NVIDIA H100", None, None, None, note="lost")
    assert "gpu 1   lost" in shown(run, gpu(), lost, height=7, width=19)
    for line in shown(run, *[gpu(cuda_index=index) for index in range(8)], width=19).splitlines():
        assert "GB" in line or not line.startswith("memory")


@pytest.mark.parametrize("height", [None, 20, 12, 8, 7, 6, 5])
def test_only_the_gpu_in_use_is_marked_however_little_room_there_is(
    run: RunSnapshot, height: int | None
) -> None:
    cards = [gpu(cuda_index=index) for index in (None, 3, 2, 1, 0)]
    marked = [line for line in shown(run, *cards, height=height).splitlines() if "●" in line]
    assert [line.split()[:2] for line in marked] == [["gpu", "4"]]


def test_no_gpu_is_marked_where_the_run_computes_elsewhere(run: RunSnapshot) -> None:
    for device in ("", "cpu:0", "gpu:1"):
        now = replace(run, hardware=sample(gpu(), gpu(cuda_index=None)), device=device)
        assert not any("●" in line for line in texts(now))


def test_the_cores_go_before_a_gpu_loses_its_numbers(run: RunSnapshot) -> None:
    text = shown(run, gpu(throttled="power"), height=7, width=30)
    assert "cores" not in text
    for told in ("71 %", "61 °C", "12.0 GB", "350 W", "700 W", "↓power", "2 processes", "H100"):
        assert told in text


def test_those_for_which_there_is_no_line_are_counted(run: RunSnapshot) -> None:
    cards = [gpu(cuda_index=7 - index) for index in range(8)]
    assert shown(run, *cards, height=7, width=30).splitlines()[-1].strip() == "4 more GPUs"
    assert shown(run, *cards, height=12).count("gpu ") == 8


def test_no_process_is_visible_where_not_even_this_one_is(run: RunSnapshot) -> None:
    text = shown(run, gpu(processes=0), gpu(processes=0, cuda_index=1), gpu(processes=1))
    counts = [line.split()[-2:] for line in text.splitlines() if "process" in line]
    assert counts == [["N/A", "processes"], ["0", "processes"], ["1", "process"]]


@pytest.mark.parametrize("count", [1, 2, 8, 64, 400])
@pytest.mark.parametrize("width", [12, 20, 40, 120])
def test_no_line_is_wider_than_the_panel(run: RunSnapshot, count: int, width: int) -> None:
    card = gpu(throttled="thermal")
    past = HardwareHistory((50.0,) * 120, (50.0,) * 120, ((50.0,) * 120,))
    now = replace(run, hardware=sample(card, core_count=count), hardware_history=past)
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


async def test_the_panel_shows_the_latest_sample_and_fits_its_gpus_into_its_height(
    session: FakeSession, running: Running
) -> None:
    async with running(session) as pilot:
        panel = pilot.app.screen.query_one(HardwarePanel)
        assert "waiting" in panel.render().plain
        session.play(sample(note="no GPU"))
        await until(pilot, lambda: "no GPU" in panel.render().plain)
        session.play(sample(*(gpu(cuda_index=index) for index in range(6))))
        await until(pilot, lambda: "gpu 0" in panel.render().plain)
        for size, more in (((120, 40), True), ((200, 60), False)):
            await pilot.resize_terminal(*size)
            # A panel as high as it asks to be is given its height one layout later.
            await until(pilot, lambda more=more: ("more GPUs" in panel.render().plain) == more)
            assert len(panel.render().plain.splitlines()) <= panel.size.height
