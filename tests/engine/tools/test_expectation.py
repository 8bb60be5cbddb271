"""What a run is expected to take: against runs that were measured, and as options change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.config.stage import Stage, Unfreeze
from engine.tools.expectation import expect, trained_shares
from engine.tools.speed_probe import Speed

SPEED = Speed(dense=188e9, separable=123e9, device="cpu:0")
"""Measured on the two cores on which the runs below were."""
CIFAR = (50_000, 10_000)


def seconds(model: str, options: Options, speed: Speed = SPEED) -> float:
    entry = find_backbone(model)
    found = expect(plan_runs([entry], options)[0], entry, speed, CIFAR).seconds
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("model", "options", "measured"),
    [
        ("EfficientNetLite0", Options(recipe="notebook"), 303),
        (
            "EfficientNetLite0",
            Options(image_size=128, epochs=(5, 5), unfreeze_last=38, flip=True),
            862,
        ),
        ("CustomCNN", Options(recipe="notebook"), 797),
    ],
)
def test_it_lies_within_two_fifths_of_what_was_measured(
    model: str, options: Options, measured: float
) -> None:
    assert 0.6 < seconds(model, options) / measured < 1.4


def test_what_takes_longer_is_expected_to() -> None:
    base = seconds("MobileNetV2", Options())
    assert seconds("MobileNetV2", Options(epochs=(10, 6))) > base
    assert seconds("MobileNetV2", Options(image_size=160)) > base
    assert seconds("MobileNetV2", Options(feature_cache=False)) > 2 * base
    assert seconds("VGG16", Options()) > 5 * base
    assert seconds("MobileNetV2", Options(train_limit=5_000)) < base / 2
    faster = replace(SPEED, dense=10 * SPEED.dense, separable=10 * SPEED.separable)
    assert seconds("MobileNetV2", Options(), faster) < base / 3


def test_layers_that_join_in_the_course_of_a_stage_count_from_then_on() -> None:
    entry = find_backbone("MobileNetV2")

    def shares(epochs: int, last: int | None, *unfreezes: Unfreeze, every: int = 0) -> list[float]:
        stage = Stage("tune", epochs, 1e-3, last, unfreezes=unfreezes, block_every=every)
        return trained_shares(entry, stage)

    thirty = shares(1, 30)[0]
    assert shares(3, 0) == [0.0, 0.0, 0.0]
    assert shares(3, 0, Unfreeze(2, 30)) == [0.0, 0.0, thirty]
    assert shares(3, 30, Unfreeze(1, 10), Unfreeze(2, None)) == [thirty, thirty, 1.0]
    assert shares(1, None) == [1.0]
    joining = shares(7, 0, every=2)
    assert joining == sorted(joining)
    assert joining[:3] == [0.0, 0.0, joining[3]]
    assert 1 / 30 < joining[2] < 1 / 8  # one of 17 blocks
    assert shares(100, 0, every=1)[-1] == 1.0


def test_a_gradual_recipe_costs_more_than_the_head_alone() -> None:
    head = seconds("MobileNetV2", Options(recipe="gradual", epochs=(10,)))
    gradual = seconds("MobileNetV2", Options(recipe="gradual"))
    assert gradual > 1.5 * head
    assert gradual > seconds("MobileNetV2", Options(recipe="gradual", block_every=3))
    joined = Options(recipe="notebook", unfreezes=(Unfreeze(1, 100),))
    assert seconds("MobileNetV2", joined) > seconds("MobileNetV2", Options(recipe="notebook"))


@pytest.mark.parametrize(
    ("device", "measured", "is_known"),
    [
        ("auto", "gpu:0", True),
        ("cpu", "cpu:0", True),
        ("gpu:1", "gpu:0", True),
        ("cpu", "gpu:0", False),
        ("gpu", "cpu:0", False),
        ("gpu:1", "cpu:0", False),
    ],
)
def test_no_time_is_told_of_a_device_that_was_not_measured(
    device: str, measured: str, is_known: bool
) -> None:
    entry = find_backbone("MobileNetV2")
    (spec,) = plan_runs([entry], Options(device=device))
    found = expect(spec, entry, replace(SPEED, device=measured), CIFAR)
    assert (found.seconds is not None) == is_known
    assert found.memory_bytes > 0


def test_memory_grows_with_the_model_and_the_features() -> None:
    def memory(model: str, options: Options) -> int:
        entry = find_backbone(model)
        spec: RunSpec = plan_runs([entry], options)[0]
        return expect(spec, entry, SPEED, CIFAR).memory_bytes

    notebook = Options(recipe="notebook")
    lite = memory("EfficientNetLite0", notebook)
    assert lite == pytest.approx(2.3 * 2**30, rel=0.1)  # measured
    assert memory("EfficientNetLite0", replace(notebook, feature_cache=False)) < lite
    assert memory("VGG16", notebook) > memory("VGG16", replace(notebook, train_limit=500))
