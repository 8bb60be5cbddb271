"""What is asked to train: by stage, by plan, by the person."""

from __future__ import annotations

import dataclasses

import pytest

from engine.backbones.catalogue import find_backbone
from engine.config.spec import RunSpec
from engine.config.stage import Stage, Unfreeze
from engine.model.build import Classifier, build_classifier
from engine.model.graph import leaf_layers
from engine.model.trainable import select_last
from engine.protocol.commands import SetBatchNormLock, SetTrainable
from engine.training.selection import Selection, planned, planned_selections

SPEC = RunSpec("EfficientNetLite0", "digits", (Stage("head", 4, 1e-3, 0),), image_size=32)
HEAD = SPEC.stages[0]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """EfficientNetLite0 with random weights."""
    return build_classifier(
        find_backbone("EfficientNetLite0"),
        image_shape=(32, 32, 3),
        image_size=32,
        classes=10,
        seed=0,
        load_weights=None,
    )


def weighted(classifier: Classifier, names: frozenset[str]) -> set[str]:
    layers = leaf_layers(classifier.network)
    return {name for name in names if layers[name].weights}


def test_more_layers_join_after_their_epoch(classifier: Classifier) -> None:
    stage = dataclasses.replace(HEAD, unfreezes=(Unfreeze(1, 3), Unfreeze(3, None)))
    selection = Selection(SPEC, classifier)
    selection.begin(stage)
    assert [selection.follow_plan(stage, done) for done in range(4)] == [
        "",
        "last 3 layers",
        "",
        f"all {classifier.backbone_layers} layers",
    ]
    assert selection.names == select_last(classifier, None)
    assert [len(weighted(classifier, s)) for s in planned_selections(classifier, stage)] == [
        1,
        3,
        len(weighted(classifier, selection.names)),
    ]


def test_blocks_join_one_by_one_from_the_output_on(classifier: Classifier) -> None:
    stage = dataclasses.replace(HEAD, epochs=100, block_every=2)
    words = [planned(classifier, stage, done)[1] for done in range(0, 9)]
    assert words == ["", "", "stage 7 to top", "", "block 6d", "", "block 6c", "", "block 6b"]
    selections = planned_selections(classifier, stage)
    # The head, 16 blocks and the stem.
    assert len(selections) == 18
    everything = select_last(classifier, None)
    assert weighted(classifier, selections[-1]) == weighted(classifier, everything)


def test_the_first_block_to_join_is_the_first_that_does_not_train(classifier: Classifier) -> None:
    stage = dataclasses.replace(HEAD, unfreeze_last=15, block_every=1)
    assert planned(classifier, stage, 1)[1] == "block 6d"


def test_what_the_person_froze_stays_frozen_when_a_block_joins(classifier: Classifier) -> None:
    stage = dataclasses.replace(HEAD, block_every=1)
    selection = Selection(SPEC, classifier)
    selection.begin(stage)
    selection.follow_plan(stage, 1)
    assert selection.change_all([SetTrainable(layers=("top_conv",), value=False)])
    selection.follow_plan(stage, 2)
    assert "top_conv" not in selection.names
    assert "block6d_expand_conv" in selection.names


def test_nothing_is_changed_where_nothing_would_train(classifier: Classifier) -> None:
    selection = Selection(SPEC, classifier)
    selection.begin(HEAD)
    selection.apply()
    freeze = SetTrainable(layers=("head_dense",), value=False)
    assert not selection.change_all([SetBatchNormLock(value=False), freeze])
    assert "head_dense" in selection.names
    assert selection.locked
    assert classifier.network.get_layer("head_dense").trainable


def test_the_lock_is_put_on_the_layers(classifier: Classifier) -> None:
    selection = Selection(SPEC, classifier)
    selection.begin(dataclasses.replace(HEAD, unfreeze_last=None))
    selection.apply()
    bn = classifier.network.get_layer("top_bn")
    assert not bn.trainable
    assert selection.change_all([SetBatchNormLock(value=False)])
    assert bn.trainable
