"""What an epoch costs by the layers' FLOPs, who trains, and what was measured."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config.spec import RunSpec, Stage
from engine.protocol.events import EpochEnded, FeaturesReady, FreezeApplied, RunStarted
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from engine.state.forecast import OVERHEAD_FLOPS, Estimate, Work, stage_layers, work_of

MEGA = 10**6
BATCH = 50
STEPS = 100


def leaf(name: str, megaflops: float, kind: str = "Conv2D", parameters: int = 10) -> LayerNode:
    return LayerNode(name, kind, (4,), parameters, False, (), int(megaflops * MEGA))


def group(name: str, *children: LayerNode) -> LayerNode:
    return LayerNode(name, name, (4,), 10, False, children, sum(node.flops for node in children))


TREE = group(
    "model",
    group("input", leaf("cast", 0, "Cast", 0)),
    group(
        "backbone",
        leaf("early", 60),
        leaf("early_bn", 0, "BatchNormalization"),
        leaf("middle", 30),
        leaf("middle_bn", 0, "BatchNormalization"),
        leaf("late", 10),
        leaf("late_bn", 0, "BatchNormalization"),
    ),
    group("head", leaf("pool", 0, "Pool", 0), leaf("dense", 0.02, "Dense")),
)
HEAD = frozenset({"dense"})
TUNED = frozenset({"late", "dense"})
STAGES = (Stage("head", 2, 1e-3, 0), Stage("fine-tune", 2, 1e-5, 2))


def started(**asked: Any) -> RunStarted:
    spec = RunSpec("M", "cifar10", STAGES, image_size=96, batch_size=BATCH, **asked)
    return RunStarted(
        spec=spec,
        model=ModelFacts(10, 3, 100 * MEGA, 96, 6),
        data=DataFacts(BATCH * STEPS, 500, 1_000, ("a", "b")),
        layers=TREE,
        steps_per_epoch=STEPS,
        epochs=4,
    )


def frozen_but(trains: frozenset[str], frontier: str) -> FreezeApplied:
    return FreezeApplied(
        epoch=1,
        trainable=tuple(trains),
        trainable_parameters=1,
        frozen_parameters=1,
        frontier=frontier,
    )


def features(source: Any, seconds: float, images: int = 6_500) -> FeaturesReady:
    return FeaturesReady(
        epoch=1, source=source, images=images, views=1, bytes=1, held="memory", seconds=seconds
    )


def epoch(train: float, validation: float) -> EpochEnded:
    return EpochEnded(
        epoch=1, stage=1, loss=1, accuracy=1, val_loss=1, val_accuracy=1, learning_rate=1,
        train_seconds=train, validation_seconds=validation, images_per_second=1,
    )  # fmt: skip


def measure(estimate: Estimate, train: float, validation: float) -> None:
    """Train one epoch of these seconds."""
    estimate.epoch_started()
    estimate.batches_ended(train, STEPS)
    estimate.epoch_ended(epoch(train, validation))


def test_a_head_on_features_costs_next_to_nothing_and_the_prefix_all() -> None:
    work = work_of(TREE, HEAD, keeps_features=True)
    assert work == Work(train=60_000, validation=20_000, prefix=100 * MEGA)


def test_backwards_costs_twice_where_weights_train_and_once_where_they_are_frozen() -> None:
    work = work_of(TREE, {"middle", "dense"}, keeps_features=True)
    assert work.train == (3 * 30 + 2 * 10) * MEGA + 60_000
    assert work.validation == 40 * MEGA + 20_000
    assert work.prefix == 60 * MEGA


def test_without_features_every_image_goes_through_the_whole_network() -> None:
    work = work_of(TREE, HEAD, keeps_features=False)
    assert work == Work(train=100 * MEGA + 60_000, validation=100 * MEGA + 20_000, prefix=0)


def test_layers_without_parameters_move_no_frontier() -> None:
    assert work_of(TREE, {"cast", "dense"}, keeps_features=True).prefix == 100 * MEGA
    assert work_of(TREE, (), keeps_features=True).train == 0


@pytest.mark.parametrize(
    ("last", "locks", "layers"),
    [
        (0, True, {"pool", "dense"}),
        (2, True, {"late", "pool", "dense"}),
        (3, False, {"middle_bn", "late", "late_bn", "pool", "dense"}),
        (100, True, {"early", "middle", "late", "pool", "dense"}),
        (None, True, {"early", "middle", "late", "pool", "dense"}),
    ],
)
def test_a_stage_trains_the_backbones_last_layers_and_the_head(
    last: int | None, locks: bool, layers: set[str]
) -> None:
    assert stage_layers(TREE, Stage("s", 1, 1e-3, last), locks_batchnorm=locks) == layers


def test_a_model_without_a_backbone_trains_whole() -> None:
    tree = group("model", group("block", leaf("conv", 5)), group("head", leaf("dense", 1)))
    assert stage_layers(tree, STAGES[0], locks_batchnorm=False) == {"conv", "dense"}


def test_nothing_is_said_while_nothing_is_measured() -> None:
    estimate = Estimate(started())
    assert estimate.epoch_seconds(estimate.work) is None
    assert estimate.extraction_seconds(estimate.work) is None
    assert estimate.forecasts(0, None) == [None, None]


def test_a_measured_epoch_is_its_own_seconds() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    measure(estimate, 3.0, 0.5)
    assert estimate.epoch_seconds(estimate.work) == 3.5


def test_what_trains_after_the_head_is_estimated_from_the_speed_of_the_extraction() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    estimate.features_ready(features("extracted", 65.0))  # 10 GFLOP a second
    measure(estimate, 0.2, 0.02)  # 2 ms a step, nearly all of it overhead
    tuned = estimate.epoch_seconds(estimate.work_if(TUNED))
    computing = (3 * 10.02 * BATCH * STEPS + 10.02 * 500) * MEGA / (10 * 1_000 * MEGA)
    assert tuned is not None
    assert 0.9 < tuned / (computing + 0.2 + 0.02) < 1.1
    # Not a hundred times the head's epoch by the ratio of FLOPs alone, nor the head's own.
    assert 20 < tuned / 0.22 < 200


def test_from_the_head_alone_the_overhead_is_taken_for_most_of_a_step() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    estimate.features_ready(features("cache", 0.4))
    measure(estimate, 0.2, 0.02)
    tuned = estimate.work_if(TUNED)
    per_flop = 0.002 / (60_000 * BATCH + OVERHEAD_FLOPS)
    expected = STEPS * (0.002 + per_flop * (tuned.train - 60_000) * BATCH)
    seconds = estimate.epoch_seconds(tuned)
    assert seconds is not None
    assert seconds > expected
    assert seconds == pytest.approx(expected, rel=0.1)


def test_a_heavier_suffix_scales_by_the_modelled_cost() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(TUNED, "late"))
    measure(estimate, 30.0, 1.0)
    deeper = estimate.epoch_seconds(estimate.work_if({"middle", "late", "dense"}))
    assert deeper == pytest.approx(30 * 120 / 30 + 40 / 10, rel=0.1)


def test_without_the_cache_unfreezing_costs_gradients_only() -> None:
    estimate = Estimate(started(feature_cache=False))
    estimate.freeze_applied(frozen_but(HEAD, ""))
    measure(estimate, 10.0, 1.0)
    tuned = estimate.epoch_seconds(estimate.work_if(TUNED))
    assert tuned == pytest.approx(10 * 120 / 100 + 1, rel=0.05)
    assert estimate.extraction_seconds(estimate.work_if(TUNED)) == 0


def test_where_features_were_refused_the_plain_path_is_reckoned_with() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(HEAD, ""))
    assert estimate.work.prefix == 0
    assert estimate.work_if(TUNED).prefix == 0
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    assert estimate.work_if(TUNED).prefix == 90 * MEGA


def test_a_shallower_frontier_costs_an_extraction_and_one_seen_before_does_not() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    estimate.features_ready(features("extracted", 65.0))
    assert estimate.extraction_seconds(estimate.work) == 0
    assert estimate.extraction_seconds(estimate.work_if(TUNED)) == 0  # its stage is to come
    wider = {"middle", *TUNED}
    assert estimate.extraction_seconds(estimate.work_if(wider)) == pytest.approx(65 * 0.6)
    estimate.freeze_applied(frozen_but(frozenset(wider), "middle"))
    estimate.features_ready(features("extracted", 39.0))
    assert estimate.extraction_seconds(estimate.work_if(HEAD)) == 0
    everything = estimate.work_if({"early", "middle", "late", "dense"})
    assert (everything.prefix, estimate.extraction_seconds(everything)) == (0, 0)


def test_a_deeper_frontier_starts_from_the_features_at_hand() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(TUNED, "late"))
    estimate.features_ready(features("extracted", 58.5))
    assert estimate.extraction_seconds(estimate.work_if(HEAD)) == pytest.approx(65 * 0.1)


def test_the_stages_to_come_need_no_extraction_of_their_own() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    estimate.extracting(100.0)
    head, tune = estimate.forecasts(0, 12.0)
    assert head is not None
    assert tune is not None
    assert head.extraction_seconds == 12.0
    assert tune.extraction_seconds == 0  # the pass over the images gives both stages theirs
    assert tune.seconds_per_step > 5 * head.seconds_per_step
    estimate.features_ready(features("extracted", 65.0))
    again = estimate.forecasts(0, None)[0]
    assert again is not None
    assert again.extraction_seconds == 0


def test_the_rows_of_an_extraction_count_every_view_of_a_training_image() -> None:
    estimate = Estimate(started(views=2, flip=True))
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    estimate.extracting(1_000.0)
    rows = 4 * (BATCH * STEPS + 500)
    assert estimate.extraction_seconds(estimate.work) == pytest.approx(rows / 1_000)


def test_an_epoch_in_which_the_layers_changed_is_no_measure_of_either() -> None:
    estimate = Estimate(started())
    estimate.freeze_applied(frozen_but(HEAD, "dense"))
    estimate.epoch_started()
    estimate.batches_ended(0.1, 50)
    estimate.freeze_applied(frozen_but(TUNED, "late"))
    estimate.batches_ended(15.0, 50)
    estimate.epoch_ended(epoch(15.1, 1.0))
    assert estimate.epoch_seconds(estimate.work) == pytest.approx(0.3 * STEPS + 1.0)
