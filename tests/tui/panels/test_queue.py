"""The queue panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.config.spec import RunSpec
from engine.protocol.events import TestEnded
from engine.state.snapshot import RunSnapshot
from tui.panels.queue import queue_lines


def line_of(run: RunSnapshot, at: float = 0.0, width: int = 40) -> str:
    (line,) = queue_lines([run], at, width)
    return line.plain


@pytest.mark.parametrize(
    ("status", "glyph"),
    [("queued", "·"), ("running", "●"), ("completed", "✓"), ("stopped", "■"), ("failed", "✗")],
)
def test_each_state_has_its_glyph(run: RunSnapshot, status: Any, glyph: str) -> None:
    line = line_of(replace(run, status=status))
    assert line.startswith(f"{glyph} EfficientNetLite0")
    assert len(line) == 40


def test_test_accuracy_and_time(run: RunSnapshot) -> None:
    test = TestEnded(loss=0.3, accuracy=0.91834, images=10_000)
    done = replace(run, status="completed", started_at=10.0, ended_at=74.0, test=test)
    assert line_of(done, 500.0).split()[2:] == ["0.9183", "1:04"]


def test_validation_of_the_weights_to_keep_while_there_is_no_test(
    run: RunSnapshot, events: dict[str, Callable[..., Any]]
) -> None:
    ends = (events["epoch_end"](1, 0.81), events["epoch_end"](2, 0.79))
    now = replace(run, status="running", started_at=10.0, ended_epochs=ends, kept_epoch=1)
    assert line_of(now, 20.0).split()[2:] == ["~0.8100", "0:10"]


def test_seeds_where_there_are_several(make_spec: Callable[..., RunSpec]) -> None:
    runs = [RunSnapshot("", make_spec("MobileNetV2", seed)) for seed in (7, 12)]
    lines = queue_lines(runs, 0.0, 50)
    assert ["MobileNetV2, seed 7" in line.plain for line in lines] == [True, False]
    assert "seed" not in line_of(runs[0])


def test_names_stay_whole_the_time_goes_first_then_the_accuracy(
    make_spec: Callable[..., RunSpec],
) -> None:
    test = TestEnded(loss=0.3, accuracy=0.91834, images=10_000)
    run = RunSnapshot("", make_spec("CustomCNN"), status="completed", started_at=10.0, test=test)
    long = replace(run, spec=make_spec("InceptionResNetV2"))
    for width, told in ((35, (True, True)), (34, (True, False)), (26, (False, False))):
        lines = [line.plain for line in queue_lines([run, long], 74.0, width)]
        assert all(len(line) == width for line in lines)
        assert [("0.9183" in line, "1:04" in line) for line in lines] == [told] * 2
        assert "InceptionResNetV2" in lines[1]
    assert line_of(long, width=18) == "✓ InceptionResNet…"
