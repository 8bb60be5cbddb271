"""XNNPACK computes what TensorFlow does, on several threads at once, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest

from engine.backbones.catalogue import find_backbone
from engine.backend import lite
from engine.backend.lite import LiteError, LiteProgram, has_lite
from engine.model.build import build_classifier, calibrate_batchnorm
from engine.model.graph import calls
from engine.model.subgraph import Forward

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="XNNPACK comes with TensorFlow"
)
OTHERS = pytest.mark.slow("XNNPACK on other kinds of backbones")
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
BATCH = 4
VECTORS = [((BATCH, 3), "float32")] * 12


def program(
    function: Callable[..., Any],
    signature: Sequence[tuple[Any, str]] = VECTORS[:1],
    variables: Sequence[Any] = (),
) -> LiteProgram:
    return LiteProgram(function, signature, variables, lambda bytes_each: 3)


@pytest.mark.parametrize(
    "name",
    [
        "EfficientNetLite0",
        pytest.param("MobileNetV2", marks=OTHERS),
        pytest.param("MobileNetV3Small", marks=OTHERS),
        pytest.param("ResNet50V2", marks=OTHERS),
        pytest.param("EfficientNetV2B0", marks=OTHERS),
    ],
)
def test_a_backbone_gives_the_same_on_every_thread(name: str) -> None:
    network = build_classifier(
        find_backbone(name),
        image_shape=(32, 32, 3),
        image_size=64,
        classes=10,
        seed=1,
        load_weights=None,
    ).network
    calibrate_batchnorm(network, IMAGES)
    middle = calls(network)[-40].outputs[0]
    forward = Forward(network, network.inputs, [middle, network.output])
    signature = [((BATCH, *IMAGES.shape[1:]), "uint8")]
    made = program(lambda *given: forward(given), signature, network.variables)
    batches = [IMAGES[start : start + BATCH] for start in range(0, len(IMAGES), BATCH)] * 4
    with ThreadPoolExecutor(made.workers) as threads:
        found = list(threads.map(lambda images: made([images]), batches))
    for images, arrays in zip(batches, found, strict=True):
        for expected, array in zip(forward([images]), arrays, strict=True):
            assert np.abs(np.asarray(expected) - array).max() <= 2e-4 * np.abs(expected).max()
    for again, first in zip(found[len(batches) // 4 :], found, strict=False):
        assert [a.tobytes() for a in again] == [a.tobytes() for a in first]


def test_arguments_and_results_keep_their_order(
    recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    made = program(lambda *given: [2.0**n * x for n, x in enumerate(given)], VECTORS)
    arrays = [np.full((BATCH, 3), n, np.float32) for n in range(len(VECTORS))]
    assert [int(array[0, 0]) for array in made(arrays)] == [n * 2**n for n in range(12)]
    assert not recwarn.list
    assert not caplog.records


def test_an_operation_without_a_counterpart_is_named() -> None:
    import tensorflow

    with pytest.raises(LiteError, match="Igamma"):
        program(lambda x: tensorflow.math.igamma(x, x + 1.0))


def test_a_program_that_computes_something_else_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    converted = lite._converted
    contents: list[bytes] = []

    def swapped(frozen: Any) -> bytes:
        contents.append(converted(frozen))
        return contents[0]

    monkeypatch.setattr(lite, "_converted", swapped)
    program(lambda x: x * 2.0)
    with pytest.raises(LiteError, match="differ"):
        program(lambda x: x * 3.0)


def test_wrong_values_fail_and_leave_the_program_usable() -> None:
    made = program(lambda x: x * 2.0)
    for _ in range(made.workers + 1):
        with pytest.raises(LiteError, match="Dimension mismatch"):
            made([np.zeros((BATCH + 1, 3), np.float32)])
    assert made([np.ones((BATCH, 3), np.float32)])[0].sum() == 2 * BATCH * 3


def test_only_tensorflow_on_a_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow

    assert has_lite("cpu:0")
    assert not has_lite("gpu:0")
    monkeypatch.delattr(tensorflow.lite, "Interpreter")
    assert not has_lite("cpu:0")
