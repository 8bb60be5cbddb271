"""The frozen prefix: the two parts are the whole, and only the suffix moves."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.backbones import find_backbone
from engine.config import BatchNorm
from engine.frontier import FrozenPrefixModel, split_at_frontier
from engine.model import (
    Classifier,
    apply_trainable,
    build_classifier,
    calibrate_batchnorm,
    leaf_layers,
    select_last,
    trainable_names,
)

Arrays = dict[str, list[NDArray[np.float32]]]
IMAGES = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(8)


@pytest.fixture(scope="module")
def built() -> Callable[[str], Classifier]:
    """Classifiers with random weights and statistics of real activations, each built once."""
    known: dict[str, Classifier] = {}

    def get(name: str) -> Classifier:
        if name not in known:
            known[name] = build_classifier(
                find_backbone(name),
                image_shape=(32, 32, 3),
                image_size=64 if name == "NASNetMobile" else 32,
                classes=10,
                seed=1,
                load_weights=None,
            )
            calibrate_batchnorm(known[name].network, IMAGES)
        return known[name]

    return get


def select(classifier: Classifier, last: int | None, batchnorm: BatchNorm = "locked") -> None:
    apply_trainable(classifier, select_last(classifier, last), batchnorm)


FAMILIES = (
    "EfficientNetLite0",
    "MobileNetV2",
    "MobileNetV3Small",
    "EfficientNetB0",
    "DenseNet121",
    "NASNetMobile",
    "ConvNeXtTiny",
)
SLOW = ("DenseNet121", "NASNetMobile")


@pytest.mark.parametrize("name", FAMILIES)
def test_prefix_and_suffix_are_the_whole_exactly(
    built: Callable[[str], Classifier], name: str
) -> None:
    classifier = built(name)
    network = classifier.network
    whole = np.asarray(network(IMAGES, training=False))
    assert np.ptp(whole, axis=0).max() > 1e-3  # not comparing constants
    for last in (30,) if name in SLOW else (0, 30):
        select(classifier, last)
        split = split_at_frontier(network)
        assert split.prefix is not None
        parts = split.suffix(split.prefix(IMAGES, training=False), training=False)
        assert np.abs(np.asarray(parts) - whole).max() == 0.0
        assert trainable_names(split.suffix) == trainable_names(network)
        assert trainable_names(split.prefix) == ()
    if name == "NASNetMobile":  # its cells read the two cells before them
        assert len(split.suffix.inputs) > 2


@pytest.mark.parametrize("name", FAMILIES)
def test_a_frozen_backbone_leaves_its_pooled_vector(
    built: Callable[[str], Classifier], name: str
) -> None:
    classifier = built(name)
    select(classifier, 0)
    split = split_at_frontier(classifier.network)
    assert [layer.name for layer in split.suffix.layers[1:]] == ["head_dropout", "head_dense"]
    assert len(split.suffix.inputs) == 1
    assert len(split.suffix.inputs[0].shape) == 2


def test_what_does_not_train_belongs_to_the_prefix(built: Callable[[str], Classifier]) -> None:
    classifier = built("EfficientNetLite0")
    apply_trainable(classifier, frozenset({"top_conv", "top_bn", "head_dense"}), "locked")
    split = split_at_frontier(classifier.network)
    assert [layer.name for layer in split.suffix.layers[1:]] == [
        "top_conv",
        "top_bn",
        "top_relu6",
        *classifier.head,
    ]
    apply_trainable(classifier, frozenset({"top_bn", "head_dense"}), "locked")
    assert "top_bn" not in [x.name for x in split_at_frontier(classifier.network).suffix.layers]
    apply_trainable(classifier, frozenset({"top_bn", "head_dense"}), "keras")
    assert split_at_frontier(classifier.network).suffix.layers[1].name == "top_bn"


@pytest.mark.parametrize("name", ["EfficientNetLite0", "CustomCNN"])
def test_nothing_frozen_leaves_no_prefix(built: Callable[[str], Classifier], name: str) -> None:
    classifier = built(name)
    select(classifier, None, "keras")
    split = split_at_frontier(classifier.network)
    assert split.prefix is None
    assert split.suffix is classifier.network


def test_a_network_still_saves_after_many_cuts(
    built: Callable[[str], Classifier], tmp_path: object
) -> None:
    classifier = built("MobileNetV2")
    for last in (0, 5, 30):
        select(classifier, last)
        split_at_frontier(classifier.network)
    path = f"{tmp_path}/model.keras"
    classifier.network.save(path)
    loaded = keras.models.load_model(path)
    expected = np.asarray(classifier.network(IMAGES, training=False))
    assert np.abs(np.asarray(loaded(IMAGES, training=False)) - expected).max() == 0.0


def test_a_frozen_prefix_drops_nothing_in_training(built: Callable[[str], Classifier]) -> None:
    classifier = built("EfficientNetB0")
    select(classifier, 0)
    model = FrozenPrefixModel(split_at_frontier(classifier.network))
    dropout = classifier.network.get_layer("head_dropout")

    def twice(network: keras.Model) -> float:
        first, second = (np.asarray(network(IMAGES, training=True)) for _ in range(2))
        return float(np.abs(first - second).max())

    assert twice(model) > 0  # the head's dropout is on
    dropout.rate = 0.0
    try:
        assert twice(model) == 0.0
        assert twice(classifier.network) > 0  # drop-connect, were it not for the prefix
    finally:
        dropout.rate = 0.2


def weights_of(classifier: Classifier) -> Arrays:
    leaves = leaf_layers(classifier.network)
    return {name: [w.copy() for w in leaf.get_weights()] for name, leaf in leaves.items()}


def moved(before: Arrays, after: Arrays) -> set[str]:
    return {
        name
        for name, weights in before.items()
        if any(a.tobytes() != b.tobytes() for a, b in zip(weights, after[name], strict=True))
    }


@pytest.mark.parametrize(
    ("name", "last", "batchnorm"),
    [
        ("EfficientNetLite0", 0, "locked"),
        ("EfficientNetLite0", 30, "locked"),
        ("EfficientNetLite0", 30, "keras"),
        ("ConvNeXtTiny", 3, "locked"),
        ("CustomCNN", None, "keras"),
    ],
)
def test_one_step_moves_exactly_what_trains(
    built: Callable[[str], Classifier], name: str, last: int | None, batchnorm: BatchNorm
) -> None:
    classifier = built(name)
    select(classifier, last, batchnorm)
    selected = select_last(classifier, last)
    model = FrozenPrefixModel(split_at_frontier(classifier.network))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    before = weights_of(classifier)
    model.fit(IMAGES, LABELS, batch_size=8, verbose=0)
    norms = {
        name
        for name, leaf in leaf_layers(classifier.network).items()
        if isinstance(leaf, keras.layers.BatchNormalization)
    }
    expected = {name for name in selected if before[name]}
    if batchnorm == "locked":
        expected -= norms
    assert moved(before, weights_of(classifier)) == expected
    assert set(trainable_names(model)) == expected
    assert set(trainable_names(classifier.network)) == expected
