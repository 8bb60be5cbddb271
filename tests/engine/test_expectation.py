"""What a run is expected to take: against runs that were measured, and as options change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.backbones import find_backbone
from engine.config import Options, RunSpec, plan_runs
from engine.expectation import expect
from engine.speed_probe import Speed

SPEED = Speed(dense=188e9, separable=123e9, device="cpu:0")
"""Measured on the two cores on which the runs below were."""
CIFAR = (50_000, 10_000)


def seconds(model: str, options: Options, speed: Speed = SPEED) -> float:
    entry = find_backbone(model)
    return expect(plan_runs([entry.traits], options)[0], entry, speed, CIFAR).seconds


@pytest.mark.parametrize(
    ("model", "recipe", "measured"),
    [
        ("EfficientNetLite0", "notebook", 303),
        ("EfficientNetLite0", "recommended", 862),
        ("CustomCNN", "notebook", 797),
    ],
)
def test_it_lies_within_two_fifths_of_what_was_measured(
    model: str, recipe: str, measured: float
) -> None:
    assert 0.6 < seconds(model, Options(recipe=recipe)) / measured < 1.4


def test_what_takes_longer_is_expected_to() -> None:
    base = seconds("MobileNetV2", Options())
    assert seconds("MobileNetV2", Options(epochs=(10, 6))) > base
    assert seconds("MobileNetV2", Options(image_size=160)) > base
    assert seconds("MobileNetV2", Options(feature_cache=False)) > 2 * base
    assert seconds("VGG16", Options()) > 5 * base
    assert seconds("MobileNetV2", Options(train_limit=5_000)) < base / 2
    faster = replace(SPEED, dense=10 * SPEED.dense, separable=10 * SPEED.separable)
    assert seconds("MobileNetV2", Options(), faster) < base / 3


def test_memory_grows_with_the_model_and_the_features() -> None:
    def memory(model: str, options: Options) -> int:
        entry = find_backbone(model)
        spec: RunSpec = plan_runs([entry.traits], options)[0]
        return expect(spec, entry, SPEED, CIFAR).memory_bytes

    notebook = Options(recipe="notebook")
    lite = memory("EfficientNetLite0", notebook)
    assert lite == pytest.approx(2.3 * 2**30, rel=0.1)  # measured
    assert memory("EfficientNetLite0", replace(notebook, feature_cache=False)) < lite
    assert memory("VGG16", notebook) > memory("VGG16", replace(notebook, train_limit=500))
