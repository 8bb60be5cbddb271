"""The frozen prefix: the two parts are the whole, and only the suffix moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.backbones.catalogue import find_backbone
from engine.backend.batches import Rows
from engine.backend.step_model import step_model
from engine.features.frozen_prefix import Frontier, find_frontier, trains
from engine.model.build import Classifier, build_classifier, calibrate_batchnorm
from engine.model.graph import calls, leaf_layers
from engine.model.measure import call_flops
from engine.model.subgraph import Forward
from engine.model.trainable import apply_trainable, select_last, trainable_names

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


def select(classifier: Classifier, last: int | None, *, locked: bool = True) -> None:
    apply_trainable(classifier, select_last(classifier, last), locked=locked)


LARGE = ("DenseNet121", "NASNetMobile")
FAMILIES = (
    "EfficientNetLite0",
    *(
        pytest.param(name, marks=pytest.mark.slow("the frontier in every kind of real graph"))
        for name in ("MobileNetV2", "MobileNetV3Small", "EfficientNetB0", *LARGE, "ConvNeXtTiny")
    ),
)


def halves(network: keras.Model, frontier: Frontier) -> tuple[Forward, Forward]:
    """Prefix and suffix."""
    prefix = Forward(network, network.inputs, frontier.cut, frontier.inference)
    return prefix, Forward(network, frontier.cut, network.outputs, frontier.inference)


def behind(network: keras.Model) -> list[str]:
    """Names of the operations behind the frontier."""
    frontier = find_frontier(network)
    return [c.operation.name for c in calls(network) if c.operation.name not in frontier.prefix]


@pytest.mark.parametrize("name", FAMILIES)
def test_prefix_and_suffix_are_the_whole_exactly(
    built: Callable[[str], Classifier], name: str
) -> None:
    classifier = built(name)
    network = classifier.network
    whole = np.asarray(network(IMAGES, training=False))
    assert np.ptp(whole, axis=0).max() > 1e-3  # not comparing constants
    for last in (30,) if name in LARGE else (0, 30):
        select(classifier, last)
        prefix, suffix = halves(network, find_frontier(network))
        assert np.abs(np.asarray(suffix(prefix([IMAGES]))[0]) - whole).max() == 0.0


@pytest.mark.parametrize("name", FAMILIES)
def test_everything_that_trains_lies_behind_the_frontier(
    built: Callable[[str], Classifier], name: str
) -> None:
    classifier = built(name)
    select(classifier, 30)
    frontier = find_frontier(classifier.network)
    operations = {operation.name: operation for operation in classifier.network.operations}
    assert frontier.cut
    assert not any(trains(operations[name]) for name in frontier.prefix)
    assert frontier.prefix <= frontier.fixed <= frontier.inference
    flops = {c.operation.name: call_flops(c) for c in calls(classifier.network)}
    skipped = sum(flops[name] for name in frontier.prefix)
    assert skipped > 0.9 * sum(flops[name] for name in frontier.fixed)


def test_a_frontier_keeps_no_more_than_it_may(built: Callable[[str], Classifier]) -> None:
    classifier = built("EfficientNetLite0")
    select(classifier, 30)
    best = find_frontier(classifier.network)
    assert best.bytes_per_image == 192 * 4  # one pixel of block 6b
    small = find_frontier(classifier.network, best.bytes_per_image - 1)
    assert small.bytes_per_image < best.bytes_per_image
    assert small.prefix < best.prefix
    assert find_frontier(classifier.network, 0).cut == ()


@pytest.mark.slow("a cut of several tensors, which only NASNet has")
def test_a_cell_network_is_cut_where_few_tensors_are_open(
    built: Callable[[str], Classifier],
) -> None:
    classifier = built("NASNetMobile")
    select(classifier, 30)
    assert len(find_frontier(classifier.network).cut) > 1  # its cells read the two before them


@pytest.mark.parametrize("name", FAMILIES)
def test_a_frozen_backbone_leaves_its_pooled_vector(
    built: Callable[[str], Classifier], name: str
) -> None:
    classifier = built(name)
    select(classifier, 0)
    assert behind(classifier.network) == ["head_dropout", "head_dense"]
    (cut,) = find_frontier(classifier.network).cut
    assert len(cut.shape) == 2


def test_what_does_not_train_belongs_to_the_prefix(built: Callable[[str], Classifier]) -> None:
    classifier = built("EfficientNetLite0")
    network = classifier.network
    apply_trainable(classifier, frozenset({"top_conv", "top_bn", "head_dense"}), locked=True)
    assert behind(network) == ["top_conv", "top_bn", "top_relu6", *classifier.head]
    apply_trainable(classifier, frozenset({"top_bn", "head_dense"}), locked=True)
    assert "top_bn" in find_frontier(network).prefix
    apply_trainable(classifier, frozenset({"top_bn", "head_dense"}), locked=False)
    assert "top_bn" not in find_frontier(network).fixed


@pytest.mark.parametrize("name", ["EfficientNetLite0", "CustomCNN"])
def test_nothing_frozen_leaves_no_prefix(built: Callable[[str], Classifier], name: str) -> None:
    classifier = built(name)
    select(classifier, None, locked=False)
    frontier = find_frontier(classifier.network)
    assert frontier.cut == ()
    assert frontier.prefix == frozenset()


@pytest.mark.slow("drop-connect of a real network's frozen blocks, off as Keras has it on")
def test_frozen_layers_drop_nothing_in_training(built: Callable[[str], Classifier]) -> None:
    classifier = built("EfficientNetB0")
    network = classifier.network
    select(classifier, 0)

    def twice(run: Callable[[], Any]) -> float:
        first, second = (np.asarray(run()) for _ in range(2))
        return float(np.abs(first - second).max())

    def whole() -> Any:
        inference = find_frontier(network).inference
        return Forward(network, network.inputs, network.outputs, inference)([IMAGES], True)[0]

    dropout = network.get_layer("head_dropout")
    assert twice(whole) > 0  # the head's dropout is on
    dropout.rate = 0.0
    try:
        assert twice(whole) == 0.0
        assert twice(lambda: network(IMAGES, training=True)) > 0  # drop-connect, as Keras has it
        select(classifier, 30)
        assert twice(whole) > 0  # drop-connect of the blocks that train
    finally:
        dropout.rate = 0.2


@pytest.mark.slow("drop-connect of a frozen block between others that train")
def test_a_block_frozen_in_the_middle_drops_nothing(built: Callable[[str], Classifier]) -> None:
    classifier = built("EfficientNetB0")
    block = {n for n in leaf_layers(classifier.network) if n.startswith("block6d_")}
    apply_trainable(classifier, select_last(classifier, None) - block, locked=True)
    inference = find_frontier(classifier.network).inference
    assert "block6d_drop" in inference
    assert "block6c_drop" not in inference


def weights_of(classifier: Classifier) -> Arrays:
    leaves = leaf_layers(classifier.network)
    return {name: [w.copy() for w in leaf.get_weights()] for name, leaf in leaves.items()}


def moved(before: Arrays, after: Arrays) -> set[str]:
    return {
        name
        for name, weights in before.items()
        if any(a.tobytes() != b.tobytes() for a, b in zip(weights, after[name], strict=True))
    }


@pytest.mark.slow("a step of a real network with layers inside layers, by all its weights")
def test_one_step_moves_exactly_what_trains(built: Callable[[str], Classifier]) -> None:
    classifier = built("ConvNeXtTiny")
    select(classifier, 3)
    network = classifier.network
    prefix, suffix = halves(network, find_frontier(network))
    model = step_model(network, prefix, suffix, 0.0)
    model.compile(keras.optimizers.Adam(1e-3), metrics=["accuracy"])
    before = weights_of(classifier)
    model.fit(Rows([IMAGES], LABELS).batches(LABELS, 8), shuffle=False, verbose=0)
    expected = {name for name in select_last(classifier, 3) if before[name]}
    assert moved(before, weights_of(classifier)) == expected
    assert set(trainable_names(network, network.trainable_variables)) == expected
