"""What trains: chosen as Keras counts, applied to leaves, read back from the variables."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from engine.backbones.catalogue import find_backbone
from engine.model.build import Classifier, build_classifier
from engine.model.graph import leaf_layers
from engine.model.trainable import (
    apply_trainable,
    describe_selection,
    parameter_counts,
    select_last,
    trainable_names,
)
from tests.support.small_net import NESTED, in_mobilenets_place


@pytest.fixture(scope="module")
def classifiers() -> dict[str, Classifier]:
    """Small ones, MobileNetV2 with layers inside layers."""
    names = ("EfficientNetLite0", "VGG16", "MobileNetV2", "CustomCNN")
    with in_mobilenets_place():
        return {
            name: build_classifier(
                find_backbone(name),
                image_shape=(32, 32, 3),
                image_size=32,
                classes=10,
                seed=0,
                load_weights=None,
            )
            for name in names
        }


def test_the_last_layers_are_those_that_keras_counts(classifiers: dict[str, Classifier]) -> None:
    classifier = classifiers["VGG16"]
    assert select_last(classifier, 0) == {"head_pool", "head_dropout", "head_dense"}
    assert select_last(classifier, 2) - select_last(classifier, 0) == {
        "block5_conv3",
        "block5_pool",
    }
    everything = leaf_layers(classifier.network).keys()
    for all_of_it in (18, 19, 30, None):
        assert select_last(classifier, all_of_it) == everything


def test_layers_inside_layers_are_selected_by_their_own_names(
    classifiers: dict[str, Classifier],
) -> None:
    classifier = classifiers["MobileNetV2"]
    inner = {*NESTED}
    place = classifier.backbone[::-1].index("block2_nested")
    assert not inner & select_last(classifier, place)
    assert inner <= select_last(classifier, place + 1)
    apply_trainable(classifier, frozenset(inner), locked=False)
    assert set(trainable_names(classifier.network, classifier.network.trainable_variables)) == inner


def test_a_model_without_a_backbone_is_selected_whole(classifiers: dict[str, Classifier]) -> None:
    classifier = classifiers["CustomCNN"]
    for last in (0, 3, None):
        assert select_last(classifier, last) == leaf_layers(classifier.network).keys()
        assert describe_selection(classifier, last) == "all layers"


def test_a_selection_is_described_in_words(classifiers: dict[str, Classifier]) -> None:
    lite0, vgg = classifiers["EfficientNetLite0"], classifiers["VGG16"]
    assert describe_selection(lite0, 0) == "head"
    assert describe_selection(lite0, 1) == "last layer"
    assert describe_selection(lite0, 30) == "last 30 layers"
    assert describe_selection(lite0, None) == "all 141 layers"
    assert describe_selection(vgg, 30) == describe_selection(vgg, 19) == "all 19 layers"
    assert describe_selection(vgg, 18) == "last 18 layers"


def test_locked_normalization_stays_frozen_wherever_it_is_named(
    classifiers: dict[str, Classifier],
) -> None:
    classifier = classifiers["EfficientNetLite0"]
    selected = select_last(classifier, 30)
    apply_trainable(classifier, selected, locked=True)
    locked = set(trainable_names(classifier.network, classifier.network.trainable_variables))
    apply_trainable(classifier, selected, locked=False)
    unlocked = set(trainable_names(classifier.network, classifier.network.trainable_variables))
    leaves = leaf_layers(classifier.network)
    norms = {n for n, x in leaves.items() if isinstance(x, keras.layers.BatchNormalization)}
    assert unlocked - locked == norms & selected
    assert unlocked == {name for name in selected if leaves[name].weights}


def test_state_is_applied_whole_whatever_it_was(classifiers: dict[str, Classifier]) -> None:
    classifier = classifiers["MobileNetV2"]
    network = classifier.network
    network.trainable = False
    assert trainable_names(network, network.trainable_variables) == ()
    apply_trainable(classifier, select_last(classifier, None), locked=False)
    leaves = leaf_layers(network)
    assert set(trainable_names(network, network.trainable_variables)) == {
        name for name in leaves if leaves[name].weights
    }
    apply_trainable(classifier, select_last(classifier, 0), locked=True)
    assert trainable_names(network, network.trainable_variables) == ("head_dense",)
    assert network.trainable
    assert network.get_layer("block2_nested").trainable


def test_parameters_are_counted_by_what_trains(classifiers: dict[str, Classifier]) -> None:
    classifier = classifiers["EfficientNetLite0"]
    network = classifier.network
    total = network.count_params()
    apply_trainable(classifier, select_last(classifier, 0), locked=True)
    assert parameter_counts(network, network.trainable_variables) == (12_810, total - 12_810)
    apply_trainable(classifier, select_last(classifier, None), locked=False)
    statistics = sum(int(np.prod(w.shape)) for w in network.weights if "moving_" in w.path)
    assert statistics > 0
    assert parameter_counts(network, network.trainable_variables) == (
        total - statistics,
        statistics,
    )
