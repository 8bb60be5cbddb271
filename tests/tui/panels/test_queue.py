"""The queue panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.config.spec import RunSpec
from engine.protocol.events import TestEnded
from engine.state.snapshot import RunSnapshot
from tui.panels.queue import queue_line


@pytest.mark.parametrize(
    ("status", "glyph"),
    [("queued", "·"), ("running", "●"), ("completed", "✓"), ("stopped", "■"), ("failed", "✗")],
)
def test_each_state_has_its_glyph(run: RunSnapshot, status: Any, glyph: str) -> None:
    line = queue_line(replace(run, status=status), 0.0, 40, False).plain
    assert line.startswith(f"{glyph} EfficientNetLite0")
    assert len(line) == 40


def test_test_accuracy_and_time(run: RunSnapshot) -> None:
    test = TestEnded(loss=0.3, accuracy=0.91834, images=10_000)
    done = replace(run, status="completed", started_at=10.0, ended_at=74.0, test=test)
    assert queue_line(done, 500.0, 40, False).plain.split()[2:] == ["0.9183", "1:04"]


def test_validation_of_the_weights_to_keep_while_there_is_no_test(
    run: RunSnapshot, events: dict[str, Callable[..., Any]]
) -> None:
    ends = (events["epoch_end"](1, 0.81), events["epoch_end"](2, 0.79))
    now = replace(run, status="running", started_at=10.0, ended_epochs=ends, kept_epoch=1)
    assert queue_line(now, 20.0, 40, False).plain.split()[2:] == ["~0.8100", "0:10"]


def test_seed_where_there_are_several_and_long_names(
    make_spec: Callable[..., RunSpec],
) -> None:
    run = RunSnapshot("", make_spec("MobileNetV2", 7))
    assert "MobileNetV2, seed 7" in queue_line(run, 0.0, 50, True).plain
    assert "…" in queue_line(run, 0.0, 26, True).plain
