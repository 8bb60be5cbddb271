"""RunStore: what a screen shows after these events."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.commands import (
    ApplyNow,
    Pause,
    Resume,
    SetBatchNormLock,
    SetLearningRate,
    SetTrainable,
    SkipModel,
    SkipStage,
    Stop,
    Withdraw,
)
from engine.config import RunSpec
from engine.events import (
    BatchEnded,
    CommandAccepted,
    CommandRejected,
    DataFacts,
    EpochEnded,
    EpochStarted,
    Event,
    FeaturesReady,
    FreezeApplied,
    HardwareSampled,
    LayerNode,
    LayersMoved,
    LearningRateChanged,
    LogLine,
    ModelFacts,
    PhaseChanged,
    PhaseProgressed,
    RunEnded,
    RunStarted,
    StageStarted,
    TestEnded,
    event_from_line,
    event_to_line,
)
from engine.snapshot import RunSnapshot
from engine.store import LOG_LINES, RunStore


def play(spec: RunSpec, events: list[Event]) -> RunSnapshot:
    store = RunStore("run", spec)
    for event in events:
        store.apply(event)
    return store.snapshot()


def epoch_ended(epoch: int, stage: int, val_accuracy: float, time: float) -> EpochEnded:
    return EpochEnded(
        epoch=epoch,
        stage=stage,
        loss=0.5,
        accuracy=0.8,
        val_loss=0.6,
        val_accuracy=val_accuracy,
        learning_rate=1e-3,
        train_seconds=10.0,
        validation_seconds=2.0,
        images_per_second=32.0,
        time=time,
    )


def whole_run(spec: RunSpec) -> list[Event]:
    """Two epochs of the head, one of fine-tuning, ten steps each, at given seconds."""
    freeze = FreezeApplied(
        epoch=1, trainable=("head",), trainable_parameters=10, frozen_parameters=90, time=106
    )
    events: list[Event] = [
        PhaseChanged(phase="loading", detail="TensorFlow", time=100),
        RunStarted(
            spec=spec,
            model=ModelFacts(100, 5, 7, 32, 4),
            data=DataFacts(320, 32, 50, ("a", "b")),
            layers=LayerNode("net", "model", (2,), 100, True),
            steps_per_epoch=10,
            epochs=3,
            time=105,
        ),
        StageStarted(stage=1, name="head", epochs=2, learning_rate=1e-3, trains="head", time=105),
        PhaseChanged(phase="tracing", time=105),
        freeze,
    ]
    for epoch, stage, accuracy in ((1, 1, 0.7), (2, 1, 0.9), (3, 2, 0.8)):
        start = 110.0 + 20 * epoch
        if epoch == 3:
            events += [
                StageStarted(
                    stage=2,
                    name="fine-tune",
                    epochs=1,
                    learning_rate=1e-5,
                    trains="last 30 layers",
                    time=start,
                )
            ]
        events += [
            EpochStarted(epoch=epoch, stage=stage, steps=10, time=start),
            PhaseChanged(phase="training", time=start),
            BatchEnded(
                epoch=epoch,
                step=10,
                loss=0.5,
                accuracy=0.8,
                batches=10,
                images_per_second=32.0,
                time=start + 10,
            ),
            PhaseChanged(phase="validating", time=start + 10),
            epoch_ended(epoch, stage, accuracy, start + 12),
            PhaseChanged(phase="saving", time=start + 12),
        ]
    return [
        *events,
        PhaseChanged(phase="testing", time=190),
        TestEnded(loss=0.4, accuracy=0.85, images=50, time=195),
        RunEnded(status="completed", time=200),
    ]


def test_phases_add_up_to_the_wall_clock(spec: RunSpec) -> None:
    run = play(spec, whole_run(spec))
    assert run.phase_seconds["loading"] == 5
    assert run.phase_seconds["training"] == 30
    assert run.phase_seconds["validating"] == 6
    assert run.train_seconds == 25 + 30 + 6
    assert sum(run.phase_seconds.values()) == run.wall_seconds(10**9) == 100
    assert (run.status, run.is_over) == ("completed", True)


def test_the_best_epoch_is_that_of_the_highest_validation_accuracy(spec: RunSpec) -> None:
    run = play(spec, whole_run(spec))
    assert run.best_epoch == 2
    assert run.stages_trained == ("head 2 ep", "last 30 layers 1 ep")
    assert [marker.text for marker in run.markers] == ["last 30 layers, 1e-05"]
    assert run.markers[0].x == 2.0
    assert run.accuracy.full == ((1.0, 0.8), (2.0, 0.8), (3.0, 0.8))


def test_replaying_the_record_gives_the_same_screen(spec: RunSpec) -> None:
    events = whole_run(spec)
    read = [event_from_line(event_to_line(event)) for event in events]
    assert play(spec, [event for event in read if event]) == play(spec, events)


def test_the_time_left_is_what_the_epochs_left_take(spec: RunSpec) -> None:
    events = whole_run(spec)
    until_first_epoch = events[: events.index(next(e for e in events if type(e) is EpochEnded)) + 1]
    run = play(spec, until_first_epoch)
    assert run.eta_seconds == pytest.approx(2 * (10 + 2))
    assert play(spec, events).eta_seconds is None


def test_a_toggle_is_pending_until_the_trainer_confirms_it(spec: RunSpec) -> None:
    store = RunStore("run", spec)
    for event in whole_run(spec)[:6]:
        store.apply(event)
    command = SetTrainable(layers=("conv",), value=True)
    store.requested(command)
    assert store.snapshot().pending == {"conv": True}
    store.apply(CommandAccepted(command=command))
    assert store.snapshot().pending == {"conv": True}
    assert store.snapshot().trainable == {"head"}
    store.apply(
        FreezeApplied(
            epoch=2,
            trainable=("conv", "head"),
            trainable_parameters=60,
            frozen_parameters=40,
            command_ids=(command.id,),
        )
    )
    run = store.snapshot()
    assert run.pending == {}
    assert run.trainable == frozenset({"conv", "head"})
    assert run.markers[-1].text == "unfroze conv, 1e-03"


def test_a_rejected_toggle_is_pending_no_more(spec: RunSpec) -> None:
    store = RunStore("run", spec)
    command = SetTrainable(layers=("conv",), value=True)
    store.requested(command)
    store.apply(CommandRejected(command=command, reason="no such layer"))
    assert store.snapshot().pending == {}


def test_of_two_toggles_of_one_layer_the_later_counts(spec: RunSpec) -> None:
    store = RunStore("run", spec)
    store.requested(SetTrainable(layers=("conv",), value=True))
    store.requested(SetTrainable(layers=("conv",), value=False))
    assert store.snapshot().pending == {}


def test_changes_wait_are_brought_forward_and_taken_back(spec: RunSpec) -> None:
    store = store_on_features(spec)
    late = SetTrainable(layers=("late",), value=True)
    lock = SetBatchNormLock(value=True)
    for command in (late, lock):
        store.requested(command)
    run = store.snapshot()
    assert (run.pending, run.pending_lock) == ({"late": True}, True)
    assert run.pending_ids == (late.id, lock.id)
    assert not run.pending_now
    assert run.trainable_parameters_after_pending == 10 + 10
    assert run.frontier_after_pending == "late"
    # Asking is not enough: both have their effect where the trainer takes them.
    store.requested(ApplyNow())
    store.requested(Withdraw(commands=(lock.id,)))
    assert not store.snapshot().pending_now
    store.apply(CommandAccepted(command=ApplyNow()))
    store.apply(CommandAccepted(command=Withdraw(commands=(lock.id,))))
    run = store.snapshot()
    assert run.pending_now
    assert run.pending_ids == (late.id,)
    assert run.pending_lock is None


def test_a_locked_layer_may_be_selected_and_not_train(spec: RunSpec) -> None:
    bn = replace(leaf("bn", 0), kind="BatchNormalization")
    body = LayerNode("body", "backbone", (2,), 20, False, (leaf("early", 10), bn), 10)
    store = store_on_features(spec, LayerNode("net", "model", (2,), 30, True, (body, HEAD), 20))
    store.apply(
        replace(
            frozen_but("head", frontier="early"), selected=("head", "bn"), batchnorm_locked=True
        )
    )
    run = store.snapshot()
    assert run.trainable == {"head"}
    assert run.selected == {"head", "bn"}
    assert run.batchnorm_locked
    store.requested(SetBatchNormLock(value=False))
    assert store.snapshot().trainable_parameters_after_pending == 20


def test_a_rate_waits_until_it_is_set_or_refused(spec: RunSpec) -> None:
    store = RunStore("run", spec)
    first, second = SetLearningRate(value=2e-3), SetLearningRate(value=3e-3)
    store.requested(first)
    store.requested(second)
    assert store.snapshot().pending_learning_rate == 3e-3
    store.apply(LearningRateChanged(epoch=1, learning_rate=2e-3))
    assert store.snapshot().pending_learning_rate == 3e-3
    store.apply(CommandRejected(command=second, reason="cosine"))
    run = store.snapshot()
    assert (run.learning_rate, run.pending_learning_rate) == (2e-3, None)


def test_a_change_in_mid_epoch_is_marked_where_it_happened(spec: RunSpec) -> None:
    store = store_on_features(spec)
    store.apply(EpochStarted(epoch=1, stage=1, steps=10))
    store.apply(
        BatchEnded(epoch=1, step=4, loss=0.5, accuracy=0.8, batches=4, images_per_second=1.0)
    )
    store.apply(replace(frozen_but("head", "late", frontier="late"), planned="last 2 layers"))
    (marker,) = store.snapshot().markers
    assert (marker.x, marker.text) == (0.4, "unfroze last 2 layers, 1e-03")


def test_movement_is_of_the_last_epoch_and_what_broke_stays(spec: RunSpec) -> None:
    run = play(
        spec,
        [
            LayersMoved(epoch=1, moved={"head": 0.1, "conv": 0.2}, broken=("conv",)),
            LayersMoved(epoch=2, moved={"head": 0.05}),
        ],
    )
    assert run.moved == {"head": 0.05}
    assert run.broken == {"conv"}


def test_patience_is_counted_in_the_stage_at_work(spec: RunSpec) -> None:
    events = whole_run(spec)
    assert play(spec, events).epochs_without_gain == 0
    worse = epoch_ended(4, 2, 0.7, 300.0)
    assert play(spec, [*events, worse]).epochs_without_gain == 1


def test_pause_and_stop_show_as_asked(spec: RunSpec) -> None:
    store = RunStore("run", spec)
    store.requested(Pause())
    assert store.snapshot().pause_requested
    store.requested(Resume())
    assert not store.snapshot().pause_requested
    stop = Stop(when="epoch")
    store.requested(stop)
    assert store.snapshot().stop_requested == "epoch"
    store.apply(CommandRejected(command=stop, reason="too late"))
    assert store.snapshot().stop_requested == ""


def test_a_skip_shows_until_it_happens_or_is_refused(spec: RunSpec) -> None:
    store = RunStore("run", spec)
    store.requested(SkipStage())
    assert store.snapshot().skip_requested == "stage"
    store.apply(whole_run(spec)[2])
    assert store.snapshot().skip_requested == ""
    skip = SkipModel(when="epoch")
    store.requested(skip)
    store.apply(whole_run(spec)[2])
    assert store.snapshot().skip_requested == "epoch"
    store.apply(CommandRejected(command=skip, reason="it has ended"))
    assert store.snapshot().skip_requested == ""


def test_a_run_that_fails_while_loading_has_its_reason(spec: RunSpec) -> None:
    run = play(spec, [PhaseChanged(phase="loading"), RunEnded(status="failed", error="no data")])
    assert (run.status, run.error, run.layers) == ("failed", "no data", None)


def test_nan_metrics_leave_no_trace_on_the_curves(spec: RunSpec) -> None:
    batch = BatchEnded(
        epoch=1, step=1, loss=math.nan, accuracy=0.1, batches=1, images_per_second=math.nan
    )
    run = play(spec, [batch, epoch_ended(1, 1, math.nan, 1.0)])
    assert run.loss.full == ()
    assert run.images_per_second is None
    assert run.best_epoch is None


def test_log_and_hardware_are_bounded(spec: RunSpec) -> None:
    sample = HardwareSampled(
        cpu_percent=(50.0, 100.0),
        memory_used_bytes=1,
        memory_total_bytes=4,
        process_memory_bytes=1,
    )
    lines = [LogLine(level="info", text=str(i)) for i in range(LOG_LINES + 10)]
    run = play(spec, [*lines, *[sample] * 500])
    assert (len(run.log), run.log_count) == (LOG_LINES, LOG_LINES + 10)
    assert run.log[-1].text == str(LOG_LINES + 9)
    assert set(run.hardware_history.cpu_percent) == {75.0}
    assert set(run.hardware_history.memory_percent) == {25.0}
    assert len(run.hardware_history.cpu_percent) == 120


def leaf(name: str, flops: int, parameters: int = 10) -> LayerNode:
    return LayerNode(name, "Conv2D", (2,), parameters, False, (), flops, parameters)


BODY = LayerNode(
    "body", "backbone", (2,), 20, False, (leaf("early", 9 * 10**7), leaf("late", 10**7)), 10**8
)
HEAD = LayerNode("top", "head", (2,), 10, True, (leaf("head", 20_000),), 20_000)
TREE = LayerNode("net", "model", (2,), 30, True, (BODY, HEAD), 10**8 + 20_000)


def frozen_but(*names: str, frontier: str, ids: tuple[str, ...] = ()) -> FreezeApplied:
    return FreezeApplied(
        epoch=1,
        trainable=names,
        trainable_parameters=10,
        frozen_parameters=20,
        command_ids=ids,
        frontier=frontier,
    )


def features(source: str = "extracted", seconds: float = 8.0) -> FeaturesReady:
    return FeaturesReady(
        epoch=1,
        source=source,  # type: ignore[arg-type]
        images=400,
        views=1,
        bytes=512_000,
        held="memory",
        seconds=seconds,
    )


def store_on_features(spec: RunSpec, tree: LayerNode = TREE) -> RunStore:
    """A store that heard of a head on features that were extracted, before its first epoch."""
    started = RunStarted(
        spec=spec,
        model=ModelFacts(30, 3, tree.flops, 32, 3),
        data=DataFacts(320, 32, 48, ("a", "b")),
        layers=tree,
        steps_per_epoch=10,
        epochs=3,
    )
    store = RunStore("run", spec)
    for event in (
        started,
        StageStarted(stage=1, name="head", epochs=2, learning_rate=1e-3, trains="head"),
        frozen_but("head", frontier="head"),
        PhaseChanged(phase="extracting", time=100),
    ):
        store.apply(event)
    return store


def head_epoch(store: RunStore) -> None:
    """An epoch of the head: 1 ms a step, and 2 ms of validation."""
    store.apply(EpochStarted(epoch=1, stage=1, steps=10))
    store.apply(
        BatchEnded(epoch=1, step=10, loss=0.5, accuracy=0.8, batches=10, images_per_second=32_000.0)
    )
    store.apply(
        replace(
            epoch_ended(1, 1, 0.7, 0.0),
            train_seconds=0.01,
            validation_seconds=0.002,
            images_per_second=32_000.0,
        )
    )


def test_an_extraction_tells_its_pace_and_what_is_left_of_it(spec: RunSpec) -> None:
    store = store_on_features(spec)
    store.apply(PhaseProgressed(done=40, total=400, unit="images", time=110))
    assert store.snapshot().phase_units_per_second is None
    store.apply(PhaseProgressed(done=140, total=400, unit="images", time=112))
    run = store.snapshot()
    assert (run.phase_units_per_second, run.phase_seconds_left) == (50.0, 5.2)
    assert run.images_per_second is None
    assert run.eta_seconds is not None
    assert run.eta_seconds > 5.2
    store.apply(PhaseChanged(phase="tracing", time=118))
    run = store.snapshot()
    assert (run.phase_units_per_second, run.phase_seconds_left) == (None, None)


def test_features_are_shown_until_their_frontier_goes(spec: RunSpec) -> None:
    store = store_on_features(spec)
    assert (store.snapshot().frontier, store.snapshot().features) == ("head", None)
    ready = features()
    store.apply(ready)
    assert store.snapshot().features == ready
    store.apply(frozen_but("head", frontier="head"))
    assert store.snapshot().features == ready
    store.apply(frozen_but("head", "late", frontier="late"))
    assert (store.snapshot().frontier, store.snapshot().features) == ("late", None)
    store.apply(ready)
    store.apply(frozen_but("head", "late", "early", frontier=""))
    assert (store.snapshot().frontier, store.snapshot().features) == ("", None)


def test_an_epoch_is_told_before_and_after_what_waits(spec: RunSpec) -> None:
    store = store_on_features(spec)
    assert store.snapshot().epoch_seconds_now is None
    store.apply(features())
    head_epoch(store)
    run = store.snapshot()
    assert run.epoch_seconds_now == 0.012
    assert run.epoch_seconds_after_pending is None
    command = SetTrainable(layers=("late",), value=True)
    store.requested(command)
    run = store.snapshot()
    # 400 images took 8 s through 0.1 GFLOP each; now 320 through three times a tenth of that.
    assert run.epoch_seconds_after_pending == pytest.approx(320 / 50 * 0.3 + 32 / 50 * 0.1, rel=0.1)
    assert run.extraction_seconds_after_pending == pytest.approx(8 * 0.9)
    store.apply(frozen_but("head", "late", frontier="late", ids=(command.id,)))
    after = store.snapshot()
    assert after.epoch_seconds_now == run.epoch_seconds_after_pending
    assert after.epoch_seconds_after_pending is None


def test_fine_tuning_to_come_is_not_taken_to_run_as_fast_as_the_head(spec: RunSpec) -> None:
    spec = replace(spec, stages=(spec.stages[0], replace(spec.stages[1], unfreeze_last=1)))
    store = store_on_features(spec)
    store.apply(features())
    head_epoch(store)
    run = store.snapshot()
    tuned = 320 / 50 * 0.3 + 32 / 50 * 0.1
    assert run.eta_seconds == pytest.approx(0.012 + tuned, rel=0.1)


def test_the_kept_features_stand_in_the_record(spec: RunSpec) -> None:
    events: list[Event] = [
        *whole_run(spec)[:4],
        frozen_but("head", frontier="head"),
        features("cache", 0.4),
    ]
    read = [event_from_line(event_to_line(event)) for event in events]
    run = play(spec, [event for event in read if event])
    assert run == play(spec, events)
    assert run.features == events[-1]
