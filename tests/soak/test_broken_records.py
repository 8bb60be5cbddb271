"""Records of hundreds of megabytes and of holes; seconds each, so run by hand.

pytest -s tests/soak/test_broken_records.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.common.lines import MAX_LINE_BYTES
from engine.protocol.events import BatchEnded, PhaseChanged, event_to_line
from engine.runs.directory import RunDirectory
from engine.runs.listing import load_run, load_snapshot

WriteRun = Callable[..., str]


@pytest.fixture
def directory(write_run: WriteRun, tmp_path: Path) -> RunDirectory:
    """An interrupted run, whose record each test replaces."""
    return RunDirectory(tmp_path / "runs" / write_run(status="interrupted"))


def opened(directory: RunDirectory) -> str:
    begun = time.perf_counter()
    phase = load_snapshot(load_run(directory.path)).phase
    size = directory.events.stat().st_size / 1e6
    print(f"\n{size:,.0f} MB opened in {time.perf_counter() - begun:.1f} s")
    return phase


def test_millions_of_lines(directory: RunDirectory) -> None:
    batch = BatchEnded(epoch=1, step=1, loss=1.0, accuracy=0.5, batches=1, images_per_second=9.0)
    block = event_to_line(batch) * 10_000
    with directory.events.open("w") as lines:
        lines.write(event_to_line(PhaseChanged(phase="training")))
        for _ in range(200):
            lines.write(block)
    assert opened(directory) == "training"


def test_a_line_of_100_megabytes(directory: RunDirectory) -> None:
    with directory.events.open("w") as lines:
        lines.write("x" * (100 * MAX_LINE_BYTES) + "\n")
        lines.write(event_to_line(PhaseChanged(phase="training")))
    assert opened(directory) == "training"


def test_two_gigabytes_of_nothing(directory: RunDirectory) -> None:
    directory.events.write_text(event_to_line(PhaseChanged(phase="training")))
    os.truncate(directory.events, 2 * 2**30)
    assert opened(directory) == "training"
