"""Classifiers: flat, repeatable, with their preprocessing, and loadable by plain Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.backbones.catalogue import find_backbone
from engine.model.build import Classifier, build_classifier, calibrate_batchnorm
from engine.model.graph import leaf_layers

SLOW = pytest.mark.slow("other constructors of keras.applications")
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def build(name: str, image_size: int = 32, seed: int = 0) -> Classifier:
    return build_classifier(
        find_backbone(name),
        image_shape=(32, 32, 3),
        image_size=image_size,
        classes=10,
        seed=seed,
        load_weights=None,
    )


def predict(network: keras.Model, images: NDArray[np.uint8] = IMAGES) -> NDArray[np.float32]:
    return np.asarray(network(images, training=False))


def test_the_network_takes_raw_images_and_is_flat() -> None:
    classifier = build("MobileNetV2", 64)
    network = classifier.network
    assert network.name == "MobileNetV2"
    assert network.input.dtype == "uint8"
    assert network.input.shape == (None, 32, 32, 3)
    assert network.output.dtype == "float32"
    assert network.output.shape == (None, 10)
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)
    assert classifier.head == ("head_pool", "head_dropout", "head_dense")
    assert network.get_layer("head_dropout").rate == 0.2
    assert np.allclose(predict(network).sum(axis=1), 1)


@pytest.mark.parametrize("name", ["VGG16", pytest.param("ConvNeXtTiny", marks=SLOW)])
def test_the_backbone_is_listed_as_keras_lists_it(name: str) -> None:
    classifier = build(name)
    keras.utils.clear_session(free_memory=False)
    base = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    assert classifier.backbone == tuple(layer.name for layer in base.layers[1:])
    assert classifier.backbone_layers == len(base.layers)


@pytest.mark.parametrize("name", ["CustomCNN", pytest.param("MobileNetV3Small", marks=SLOW)])
def test_two_builds_are_equal_and_another_seed_is_not(name: str) -> None:
    first, second, other = build(name), build(name), build(name, seed=1)
    assert list(leaf_layers(first.network)) == list(leaf_layers(second.network))
    paths = [weight.path for weight in first.network.weights]
    assert paths == [weight.path for weight in second.network.weights]
    for network in (first.network, second.network):
        network.get_layer("head_dense").bias.assign(np.zeros(10))
    same = np.asarray(first.network(IMAGES, training=True))
    assert (np.asarray(second.network(IMAGES, training=True)) == same).all()
    assert (np.asarray(other.network(IMAGES, training=True)) != same).any()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("MobileNetV2", "Conv1"),
        ("VGG16", "block1_conv1"),
        pytest.param("DenseNet121", "zero_padding2d", marks=SLOW),
        pytest.param("EfficientNetB0", "rescaling", marks=SLOW),
        pytest.param("ResNet50", "conv1_pad", marks=SLOW),
    ],
)
def test_images_are_prepared_as_keras_prepares_them(name: str, first: str) -> None:
    network = build(name).network
    module = getattr(keras.applications, find_backbone(name).module)
    expected = module.preprocess_input(IMAGES.astype("float32"))
    layer = network.get_layer(first)
    prepared = predict(keras.Model(network.input, layer.input))
    assert np.allclose(prepared, expected, rtol=1e-5, atol=1e-5)


def test_images_are_resized_as_tensorflow_resizes_them() -> None:
    network = build("MobileNetV2", 48).network
    prepared = predict(keras.Model(network.input, network.get_layer("Conv1").input))
    resized = keras.layers.Resizing(48, 48)(IMAGES.astype("float32"))
    assert np.allclose(prepared, np.asarray(resized) / 127.5 - 1, atol=1e-5)


def test_weights_go_into_a_model_that_has_those_of_the_backbone_only() -> None:
    seen: list[int] = []

    def load(model: keras.Model) -> None:
        seen.append(model.count_params())
        model.set_weights([np.full(w.shape, 0.5, "float32") for w in model.weights])

    backbone = find_backbone("MobileNetV2")
    classifier = build_classifier(
        backbone, image_shape=(32, 32, 3), image_size=32, classes=10, seed=0, load_weights=load
    )
    assert seen == [backbone.parameters]
    loaded = classifier.network.get_layer("block_3_expand").get_weights()[0]
    assert (loaded == 0.5).all()


@pytest.mark.slow("EfficientNet's scaling against Keras' own with published weights")
def test_efficientnet_scales_as_keras_does_with_published_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "efficientnetb0_notop.weights.h5"
    source = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    published = [np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]), np.array(1)]
    source.layers[2].set_weights(published)
    source.save_weights(file)
    ours = build_classifier(
        find_backbone("EfficientNetB0"),
        image_shape=(32, 32, 3),
        image_size=32,
        classes=10,
        seed=0,
        load_weights=lambda model: model.load_weights(file),
    ).network
    # Keras builds its own with one layer more, and fetches the file; here it finds this one.
    module = sys.modules["keras.src.applications.efficientnet"]
    monkeypatch.setattr(module.file_utils, "get_file", lambda *_, **__: str(file))
    theirs = keras.applications.EfficientNetB0(include_top=False, input_shape=(32, 32, 3))
    # The first convolution sees what the scaling made; behind it nothing differs.
    expected = keras.Model(theirs.input, theirs.get_layer("stem_conv").output)
    found = predict(keras.Model(ours.input, ours.get_layer("stem_conv").output))
    assert np.allclose(found, np.asarray(expected(IMAGES.astype("float32"))), atol=1e-4)
    assert found.std() > 0.1


@pytest.mark.slow("that BatchNormalization is calibrated on random weights")
def test_calibration_keeps_features_from_vanishing_and_changes_nothing_else() -> None:
    network = build("MobileNetV2", 64).network
    features = keras.Model(network.input, network.get_layer("head_pool").output)
    assert predict(features).std() < 1e-6
    before = {
        name: [np.asarray(w).copy() for w in leaf.weights if "moving" not in w.path]
        for name, leaf in leaf_layers(network).items()
    }
    calibrate_batchnorm(network, IMAGES)
    assert predict(features).std() > 1e-3
    for name, leaf in leaf_layers(network).items():
        after = [np.asarray(w) for w in leaf.weights if "moving" not in w.path]
        assert all((a == b).all() for a, b in zip(before[name], after, strict=True))
        if isinstance(leaf, keras.layers.BatchNormalization):
            assert leaf.momentum == 0.999
            assert leaf.trainable


SAVED = (
    ("MobileNetV2", 48),
    ("EfficientNetLite0", 48),
    ("CustomCNN", 32),
    ("ConvNeXtTiny", 32),
    ("NASNetMobile", 32),
    ("MobileNetV3Small", 48),
    ("VGG16", 32),
)
LOAD = """
import sys
import keras
import numpy as np
folder, *names = sys.argv[1:]
images = np.load(f"{folder}/images.npy")
for name in names:
    network = keras.models.load_model(f"{folder}/{name}.keras")
    np.save(f"{folder}/{name}.npy", np.asarray(network(images)))
"""


@pytest.mark.slow("every kind of backbone saved, and loaded by plain Keras in another process")
def test_saved_networks_load_in_a_fresh_process_with_plain_keras(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    expected = {}
    for name, size in SAVED:
        network = build(name, size).network
        calibrate_batchnorm(network, IMAGES)
        network.save(tmp_path / f"{name}.keras")
        expected[name] = predict(network)
        assert np.ptp(expected[name], axis=0).max() > 1e-4, name
    names = [name for name, _ in SAVED]
    command = [sys.executable, "-c", LOAD, str(tmp_path), *names]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    for name in names:
        # Called without saying so, it is in inference mode all the same.
        assert (np.load(tmp_path / f"{name}.npy") == expected[name]).all(), name
