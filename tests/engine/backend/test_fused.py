"""The fused form computes what the layers compute, gradients too."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from engine.backbones.catalogue import find_backbone
from engine.backend.fused import DENSE_PIXELS, fuse_inference, fuse_training, tap_table
from engine.model.build import Classifier, build_classifier, calibrate_batchnorm
from engine.model.graph import calls
from engine.model.subgraph import Forward, Rewrite
from engine.model.trainable import apply_trainable, select_last

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the fused form is TensorFlow's"
)
OTHERS = pytest.mark.slow("the fused form of other kinds of backbones, gradients too")
IMAGES = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(
    scope="module",
    params=[
        "EfficientNetLite0",
        pytest.param("MobileNetV2", marks=OTHERS),
        pytest.param("ResNet50V2", marks=OTHERS),
    ],
)
def classifier(request: pytest.FixtureRequest) -> Classifier:
    built = build_classifier(
        find_backbone(request.param),
        image_shape=(32, 32, 3),
        image_size=64,
        classes=10,
        seed=1,
        load_weights=None,
    )
    calibrate_batchnorm(built.network, IMAGES)
    return built


def gradients(classifier: Classifier, rewrite: Rewrite | None) -> list[Any]:
    """Of the mean of squared probabilities, by the weights that train."""
    import tensorflow

    network = classifier.network
    forward = Forward(network, network.inputs, network.outputs, rewrite=rewrite)
    variables = [variable.value for variable in network.trainable_variables]
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_mean(tensorflow.square(forward([IMAGES])[0]))
    return [np.asarray(gradient) for gradient in tape.gradient(loss, variables)]


@pytest.mark.parametrize("rewrite", [fuse_inference, fuse_training])
def test_the_forward_pass_is_the_same(classifier: Classifier, rewrite: Rewrite) -> None:
    network = classifier.network
    apply_trainable(classifier, select_last(classifier, 0), locked=True)
    expected = np.asarray(network(IMAGES, training=False))
    found = Forward(network, network.inputs, network.outputs, rewrite=rewrite)([IMAGES])[0]
    assert np.ptp(expected, axis=0).max() > 1e-3
    assert np.abs(np.asarray(found) - expected).max() < 1e-4
    fused = [step for _, step in rewrite(calls(network)) if step is not None]
    assert len(fused) > 30


def test_the_gradients_are_the_same(classifier: Classifier) -> None:
    apply_trainable(classifier, select_last(classifier, 60), locked=True)
    pairs = zip(gradients(classifier, None), gradients(classifier, fuse_training), strict=True)
    for plain, fused in pairs:
        # A ReLU6 whose input rounds to the other side of its kink moves single gradients.
        assert np.linalg.norm(plain - fused) <= 0.01 * np.linalg.norm(plain)


def test_a_batchnorm_that_trains_is_left_alone(classifier: Classifier) -> None:
    network = classifier.network
    apply_trainable(classifier, select_last(classifier, None), locked=False)
    left = {call.operation.name for call, step in fuse_training(calls(network)) if step is None}
    norms = {x.name for x in network.layers if isinstance(x, keras.layers.BatchNormalization)}
    assert norms <= left


@pytest.mark.parametrize("kernel", [3, 5, (3, 5)])
@pytest.mark.parametrize("shape", [(3, 3), (6, 6), (4, 7)])
def test_a_depthwise_convolution_as_a_product(
    kernel: int | tuple[int, int], shape: tuple[int, int]
) -> None:
    images = keras.Input((*shape, 4))
    layer = keras.layers.DepthwiseConv2D(kernel, padding="same", use_bias=True)
    network = keras.Model(images, layer(images))
    layer.bias.assign(np.arange(4.0))
    given = np.random.default_rng(1).normal(size=(5, *shape, 4)).astype("float32")
    ((_, _), (_, step)) = fuse_training(calls(network))
    assert (step is not None) == (shape[0] * shape[1] <= DENSE_PIXELS)
    found = Forward(network, network.inputs, network.outputs, rewrite=fuse_training)([given])[0]
    assert np.abs(np.asarray(found) - np.asarray(network(given))).max() < 1e-5


def test_taps_of_a_small_map() -> None:
    table = tap_table(1, 2, 1, 3)
    # Output 0 sees input 0 by the middle tap and input 1 by the right one.
    assert table.reshape(3, 2, 2).tolist() == [
        [[0, 1], [0, 0]],
        [[1, 0], [0, 1]],
        [[0, 0], [1, 0]],
    ]


@pytest.mark.slow("that half precision is not fused")
def test_half_precision_is_left_alone() -> None:
    built = build_classifier(
        find_backbone("MobileNetV2"),
        image_shape=(32, 32, 3),
        image_size=32,
        classes=10,
        seed=1,
        load_weights=None,
        precision="mixed_bfloat16",
    )
    assert all(step is None for _, step in fuse_training(calls(built.network)))
    assert built.network.outputs[0].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
