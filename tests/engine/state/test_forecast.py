"""What an epoch costs by the layers' FLOPs, who trains, and what was measured."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage, Unfreeze
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Executor,
    FeaturesReady,
    FreezeApplied,
    PhaseChanged,
    RunStarted,
)
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from engine.state.forecast import OVERHEAD_FLOPS, STEP_COSTS, Estimate, Work, stage_plan, work_of

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
    asked = {"stages": STAGES, "image_size": 96, "batch_size": BATCH, **asked}
    spec = RunSpec("M", "cifar10", **asked)
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


def features(
    source: Any, seconds: float, images: int = 6_500, executor: Executor = "backend"
) -> FeaturesReady:
    return FeaturesReady(
        epoch=1, source=source, images=images, views=1, bytes=1, held="memory", seconds=seconds,
        executor=executor,
    )  # fmt: skip


def epoch(train: float, validation: float) -> EpochEnded:
    return EpochEnded(
        epoch=1, stage=1, loss=1, accuracy=1, val_loss=1, val_accuracy=1, learning_rate=1,
        train_seconds=train, validation_seconds=validation, images_per_second=1,
    )  # fmt: skip


def epoch_started() -> EpochStarted:
    return EpochStarted(epoch=1, stage=1, steps=STEPS)


def batches(seconds: float, steps: int) -> BatchEnded:
    return BatchEnded(
        epoch=1, step=steps, loss=1, accuracy=1, batches=steps,
        images_per_second=steps * BATCH / seconds,
    )  # fmt: skip


def measure(estimate: Estimate, train: float, validation: float) -> None:
    """Train one epoch of these seconds."""
    estimate.apply(epoch_started())
    estimate.apply(batches(train, STEPS))
    estimate.apply(epoch(train, validation))


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
        (0, True, {"dense"}),
        (2, True, {"late", "dense"}),
        (3, False, {"middle_bn", "late", "late_bn", "dense"}),
        (100, True, {"early", "middle", "late", "dense"}),
        (None, True, {"early", "middle", "late", "dense"}),
    ],
)
def test_a_stage_trains_the_backbones_last_layers_and_the_head(
    last: int | None, locks: bool, layers: set[str]
) -> None:
    plan = stage_plan(TREE, Stage("s", 1, 1e-3, last), locks_batchnorm=locks)
    assert plan == [(0, 1, frozenset(layers))]


def test_a_model_without_a_backbone_trains_whole() -> None:
    tree = group("model", group("block", leaf("conv", 5)), group("head", leaf("dense", 1)))
    assert stage_plan(tree, STAGES[0], locks_batchnorm=False) == [
        (0, 2, frozenset({"conv", "dense"}))
    ]


def test_layers_join_by_the_plan_of_a_stage() -> None:
    def plan(**joins: Any) -> list[Any]:
        stage = Stage("s", 6, 1e-3, 2, **joins)
        return [(*epochs, sorted(layers)) for *epochs, layers in plan_of(stage)]

    def plan_of(stage: Stage) -> list[tuple[int, int, frozenset[str]]]:
        return stage_plan(TREE, stage, locks_batchnorm=True)

    tuned, wider = ["dense", "late"], ["dense", "late", "middle"]
    whole = ["dense", "early", "late", "middle"]
    assert plan(unfreezes=(Unfreeze(2, 4), Unfreeze(9, None))) == [(0, 2, tuned), (2, 6, wider)]
    assert plan(unfreezes=(Unfreeze(2, None),)) == [(0, 2, tuned), (2, 6, whole)]
    # Each layer is a block here; it begins with the last two.
    assert plan(block_every=2) == [(0, 2, tuned), (2, 4, []), (4, 6, ["middle"])]


def test_layers_that_are_to_join_are_reckoned_with_from_then_on() -> None:
    joins = Stage("tune", 4, 1e-3, 2, unfreezes=(Unfreeze(3, 4),))
    estimate = Estimate(started(stages=(joins,)))
    estimate.apply(frozen_but(TUNED, "late"))
    estimate.apply(features("extracted", 58.5))
    measure(estimate, 30.0, 1.0)
    wider = estimate.costs.epoch_seconds(estimate.work_if(frozenset({"middle", *TUNED})))
    assert wider is not None
    assert estimate.seconds_left(0, 0, 0) == pytest.approx(3 * 31 + wider)
    assert estimate.seconds_left(0, 3, 50) == pytest.approx(16)
    # What the user freezes stays so until all of the last four layers are to join.
    estimate.apply(frozen_but(HEAD, "dense"))
    estimate.apply(features("cache", 0.1))
    measure(estimate, 0.2, 0.02)
    joined = estimate.costs.epoch_seconds(estimate.work_if(frozenset({"middle", *TUNED})))
    assert joined is not None
    assert estimate.seconds_left(0, 1, 0) == pytest.approx(2 * 0.22 + joined, rel=0.02)


def test_nothing_is_said_while_nothing_is_measured() -> None:
    estimate = Estimate(started())
    assert estimate.costs.epoch_seconds(estimate.work) is None
    assert estimate.extraction_seconds(estimate.work) is None
    assert estimate.seconds_left(0, 0, 0) is None


def test_a_measured_epoch_is_its_own_seconds() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(HEAD, "dense"))
    measure(estimate, 3.0, 0.5)
    assert estimate.costs.epoch_seconds(estimate.work) == 3.5


@pytest.mark.parametrize("executor", get_args(Executor))
def test_what_trains_after_the_head_is_estimated_from_the_speed_of_the_extraction(
    executor: Executor,
) -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(HEAD, "dense"))
    estimate.apply(features("extracted", 65.0, executor=executor))  # 10 GFLOP a second
    measure(estimate, 0.2, 0.02)  # 2 ms a step, nearly all of it overhead
    tuned = estimate.costs.epoch_seconds(estimate.work_if(TUNED))
    computing = (3 * 10.02 * BATCH * STEPS + 10.02 * 500) * MEGA / (10 * 1_000 * MEGA)
    assert tuned is not None
    assert 0.9 < tuned / (STEP_COSTS[executor] * computing + 0.2 + 0.02) < 1.1
    # Not a hundred times the head's epoch by the ratio of FLOPs alone, nor the head's own.
    assert 20 < tuned / 0.22 < 200


def test_while_it_extracts_what_computes_tells_how_long_steps_will_take() -> None:
    def tuned(executor: Executor) -> float:
        estimate = Estimate(started())
        estimate.apply(frozen_but(HEAD, "dense"))
        estimate.apply(PhaseChanged(phase="extracting", executor=executor))
        estimate.extracting(100.0)
        estimate.apply(PhaseChanged(phase="paused"))
        seconds = estimate.costs.epoch_seconds(estimate.work_if(TUNED))
        assert seconds is not None
        return seconds

    ratio = STEP_COSTS["xnnpack"] / STEP_COSTS["backend"]
    assert tuned("xnnpack") == pytest.approx(ratio * tuned("backend"), rel=0.05)


def test_from_the_head_alone_the_overhead_is_taken_for_most_of_a_step() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(HEAD, "dense"))
    estimate.apply(features("cache", 0.4))
    measure(estimate, 0.2, 0.02)
    tuned = estimate.work_if(TUNED)
    per_flop = 0.002 / (60_000 * BATCH + OVERHEAD_FLOPS)
    expected = STEPS * (0.002 + per_flop * (tuned.train - 60_000) * BATCH)
    seconds = estimate.costs.epoch_seconds(tuned)
    assert seconds is not None
    assert seconds > expected
    assert seconds == pytest.approx(expected, rel=0.1)


def test_a_heavier_suffix_scales_by_the_modelled_cost() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(TUNED, "late"))
    measure(estimate, 30.0, 1.0)
    deeper = estimate.costs.epoch_seconds(estimate.work_if(frozenset({"middle", "late", "dense"})))
    assert deeper == pytest.approx(30 * 120 / 30 + 40 / 10, rel=0.1)


def test_without_the_cache_unfreezing_costs_gradients_only() -> None:
    estimate = Estimate(started(feature_cache=False))
    estimate.apply(frozen_but(HEAD, ""))
    measure(estimate, 10.0, 1.0)
    tuned = estimate.costs.epoch_seconds(estimate.work_if(TUNED))
    assert tuned == pytest.approx(10 * 120 / 100 + 1, rel=0.05)
    assert estimate.extraction_seconds(estimate.work_if(TUNED)) == 0


def test_where_features_were_refused_the_plain_path_is_reckoned_with() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(HEAD, ""))
    assert estimate.work.prefix == 0
    assert estimate.work_if(TUNED).prefix == 0
    estimate.apply(frozen_but(HEAD, "dense"))
    assert estimate.work_if(TUNED).prefix == 90 * MEGA


def test_a_shallower_frontier_costs_an_extraction_and_one_seen_before_does_not() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(HEAD, "dense"))
    estimate.apply(features("extracted", 65.0))
    assert estimate.extraction_seconds(estimate.work) == 0
    assert estimate.extraction_seconds(estimate.work_if(TUNED)) == 0  # its stage is to come
    wider = {"middle", *TUNED}
    assert estimate.extraction_seconds(estimate.work_if(frozenset(wider))) == pytest.approx(
        65 * 0.6
    )
    estimate.apply(frozen_but(frozenset(wider), "middle"))
    estimate.apply(features("extracted", 39.0))
    assert estimate.extraction_seconds(estimate.work_if(HEAD)) == 0
    everything = estimate.work_if(frozenset({"early", "middle", "late", "dense"}))
    assert (everything.prefix, estimate.extraction_seconds(everything)) == (0, 0)


def test_a_deeper_frontier_starts_from_the_features_at_hand() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(TUNED, "late"))
    estimate.apply(features("extracted", 58.5))
    assert estimate.extraction_seconds(estimate.work_if(HEAD)) == pytest.approx(65 * 0.1)


def test_the_stages_to_come_need_no_extraction_of_their_own() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(HEAD, "dense"))
    estimate.extracting(100.0)
    costs = estimate.costs
    head, tune = costs.epoch_seconds(estimate.work), costs.epoch_seconds(estimate.work_if(TUNED))
    assert head is not None
    assert tune is not None
    assert tune > 5 * head
    # The pass over the images gives both stages their features.
    assert estimate.seconds_left(0, 0, 0, 12.0) == pytest.approx(12 + 2 * head + 2 * tune)
    estimate.apply(features("extracted", 65.0))
    assert estimate.seconds_left(0, 0, 0) == pytest.approx(2 * head + 2 * tune)


def test_the_rows_of_an_extraction_count_every_view_of_a_training_image() -> None:
    estimate = Estimate(started(views=2, flip=True))
    estimate.apply(frozen_but(HEAD, "dense"))
    estimate.extracting(1_000.0)
    rows = 4 * (BATCH * STEPS + 500)
    assert estimate.extraction_seconds(estimate.work) == pytest.approx(rows / 1_000)


def test_an_epoch_in_which_the_layers_changed_is_no_measure_of_either() -> None:
    estimate = Estimate(started())
    estimate.apply(frozen_but(HEAD, "dense"))
    estimate.apply(epoch_started())
    estimate.apply(batches(0.1, 50))
    estimate.apply(frozen_but(TUNED, "late"))
    estimate.apply(batches(15.0, 50))
    estimate.apply(epoch(15.1, 1.0))
    assert estimate.costs.epoch_seconds(estimate.work) == pytest.approx(0.3 * STEPS + 1.0)
