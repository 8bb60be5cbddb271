"""What is remembered of training steps, and what becomes of a file that is not ours."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from engine.machine import step_timings
from engine.machine.step_timings import StepKey, StepTiming, recall, remember, remembered

STEP = StepKey(
    network="MobileNetV2",
    image_size=96,
    batch_size=64,
    precision="float32",
    frontier="block_13_expand",
    trainable_parameters=1_519_906,
    device="NVIDIA H200",
    backend="keras 3.15.1 tensorflow 2.21.0",
)
TIMING = StepTiming(STEP, 4.25, 31.5)


def test_a_timing_is_found_again_by_all_that_it_depends_on(own_feature_cache: Path) -> None:
    assert recall(STEP) is None
    remember(TIMING)
    assert recall(STEP) == TIMING
    assert [path.name for path in own_feature_cache.iterdir()] == ["step-timings.json"]
    others: dict[str, Any] = {
        "network": "ResNet50V2",
        "image_size": 128,
        "batch_size": 32,
        "precision": "mixed_bfloat16",
        "frontier": "",
        "trainable_parameters": 12_810,
        "device": "NVIDIA T4",
        "backend": "keras 3.15.1 tensorflow 2.20.0",
    }
    assert others.keys() == asdict(STEP).keys()
    for field, other in others.items():
        assert recall(replace(STEP, **{field: other})) is None


def test_the_newest_of_a_step_counts_and_the_oldest_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(step_timings, "MOST_KEPT", 2)
    others = [replace(STEP, batch_size=size) for size in (8, 16)]
    for timing in (TIMING, *(StepTiming(other, 2.0, 3.0) for other in others)):
        remember(timing)
    assert [each.step for each in remembered()] == others
    remember(StepTiming(others[0], 2.0, 1.0))
    assert [each.step for each in remembered()] == [others[1], others[0]]
    assert recall(others[0]) == StepTiming(others[0], 2.0, 1.0)


@pytest.mark.parametrize(("milliseconds", "xla", "uses_xla"), [(4.0, 3.0, True), (3.0, 4.0, False)])
def test_the_faster_one_is_used(milliseconds: float, xla: float, uses_xla: bool) -> None:
    assert StepTiming(STEP, milliseconds, xla).uses_xla is uses_xla


def test_both_times_are_said() -> None:
    assert TIMING.words == ("4.25 ms a step without XLA, 31.50 ms a step with it: without XLA")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        '{"format": 2, "timings": []}',
        '{"format": 1, "timings": [{"step": 1}]}',
        '{"format": 1, "timings": {"a": "b"}}',
    ],
)
def test_a_broken_or_foreign_file_is_ignored_and_written_anew(
    own_feature_cache: Path, text: str
) -> None:
    (own_feature_cache / "step-timings.json").write_text(text)
    assert remembered() == ()
    remember(TIMING)
    assert remembered() == (TIMING,)


def test_what_is_no_time_is_ignored(own_feature_cache: Path) -> None:
    remember(TIMING)
    path = own_feature_cache / "step-timings.json"
    for wrong in (0, -1.0, None):
        plain = json.loads(path.read_text())
        plain["timings"][0]["milliseconds"] = wrong
        path.write_text(json.dumps(plain))
        assert remembered() == ()
