"""Features over blocks of any size, on the backend and on XNNPACK."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.backbones.catalogue import find_backbone
from engine.backend.lite import has_lite
from engine.features import extraction
from engine.features.extraction import (
    MOST_OPERATIONS,
    Extractor,
    Part,
    choose_executor,
    executor_batch,
    forward_batch,
)
from engine.features.frozen_prefix import find_frontier
from engine.features.pool import layouts_of
from engine.model.build import Classifier, build_classifier, calibrate_batchnorm
from engine.model.graph import calls
from engine.model.measure import measure_flops
from engine.model.trainable import apply_trainable, select_last
from engine.protocol.events import Executor

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
SIZE = 48
EXECUTORS = (
    "backend",
    pytest.param(
        "xnnpack",
        marks=pytest.mark.skipif(not has_lite("cpu:0"), reason="XNNPACK comes with TensorFlow"),
    ),
)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    built = build_classifier(
        find_backbone("EfficientNetLite0"),
        image_shape=(32, 32, 3),
        image_size=SIZE,
        classes=10,
        seed=1,
        load_weights=None,
    )
    calibrate_batchnorm(built.network, IMAGES)
    apply_trainable(built, select_last(built, 30), locked=True)
    return built


def extractor(classifier: Classifier, executor: Executor) -> tuple[Extractor, int]:
    """One over the images, and the id of its only cut tensor."""
    network = classifier.network
    cut = find_frontier(network).cut
    part = Part(network, network.inputs, cut, layouts_of(cut)[0])
    return Extractor(part, executor, SIZE, "cpu:0"), id(cut[0])


def blocks(sizes: list[int]) -> Iterator[list[NDArray[Any]]]:
    start = 0
    for size in sizes:
        yield [IMAGES[start : start + size]]
        start += size


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_size_of_the_blocks_changes_no_bit(classifier: Classifier, executor: Executor) -> None:
    extract, cut = extractor(classifier, executor)
    at_once = [found[cut] for found in extract.over(blocks([50]))]
    in_parts = [found[cut] for found in extract.over(blocks([7, 16, 1, 20, 6]))]
    assert [len(array) for array in in_parts] == [7, 16, 1, 20, 6]
    assert np.concatenate(in_parts).tobytes() == at_once[0].tobytes()
    assert np.ptp(at_once[0], axis=0).max() > 1e-3


def test_both_executors_agree(classifier: Classifier) -> None:
    if not has_lite("cpu:0"):
        pytest.skip("XNNPACK comes with TensorFlow")
    (plain, cut), (lite, _) = (extractor(classifier, e) for e in ("backend", "xnnpack"))
    expected = next(plain.over(blocks([50])))[cut]
    found = next(lite.over(blocks([50])))[cut]
    assert np.ptp(expected, axis=0).max() > 1e-3
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_who_stops_early_leaves_nothing_running(
    classifier: Classifier, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "usable_cores", lambda: 2)
    extract, cut = extractor(classifier, executor)
    taken: list[int] = []

    def given() -> Iterator[list[NDArray[Any]]]:
        for number in range(1_000):
            taken.append(number)
            yield [IMAGES[:8]]

    made = extract.over(given())
    assert len(next(made)[cut]) == 8
    made.close()
    assert len(taken) <= 5
    assert not [t.name for t in threading.enumerate() if t.name.startswith("features")]


def test_only_a_pass_that_repays_the_conversion_is_on_xnnpack(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = classifier.network
    monkeypatch.setattr(extraction, "has_lite", lambda device: device == "cpu:0")
    enough = extraction.WORTH_FLOPS * len(calls(network)) / measure_flops(network)
    assert choose_executor(network, int(enough * 1.01), "cpu:0") == "xnnpack"
    assert choose_executor(network, int(enough * 0.99), "cpu:0") == "backend"
    assert choose_executor(network, 1 << 40, "gpu:0") == "backend"
    monkeypatch.setattr(extraction, "MOST_OPERATIONS", len(calls(network)) - 1)
    assert choose_executor(network, 1 << 40, "cpu:0") == "backend"
    assert len(calls(network)) < MOST_OPERATIONS


def test_half_precision_stays_on_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "has_lite", lambda device: True)
    half = build_classifier(
        find_backbone("EfficientNetLite0"),
        image_shape=(32, 32, 3),
        image_size=SIZE,
        classes=10,
        seed=1,
        precision="mixed_bfloat16",
        load_weights=None,
    )
    assert choose_executor(half.network, 1 << 40, "cpu:0") == "backend"


@pytest.mark.parametrize(("size", "images"), [(32, 36), (64, 9), (96, 4), (128, 4), (224, 4)])
def test_a_core_computes_few_images_at_once(size: int, images: int) -> None:
    assert executor_batch("xnnpack", size) == images
    assert executor_batch("backend", size) == forward_batch(size)


@pytest.mark.parametrize(
    ("cores", "free", "workers"), [(1, 1e9, 1), (64, 64e9, 64), (64, 1e9, 25), (2, 1e6, 1)]
)
def test_memory_limits_the_cores_that_compute(
    monkeypatch: pytest.MonkeyPatch, cores: int, free: float, workers: int
) -> None:
    from engine.machine.sampler import Memory

    monkeypatch.setattr(extraction, "usable_cores", lambda: cores)
    monkeypatch.setattr(extraction, "read_memory", lambda: Memory(0, int(free)))
    assert extraction._workers(10_000_000) == workers
