"""RunStore: what was asked, what waits, what was done."""

from __future__ import annotations

from dataclasses import replace

from engine.config.spec import RunSpec
from engine.protocol.commands import (
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
from engine.protocol.events import (
    BatchEnded,
    CommandAccepted,
    CommandRejected,
    EpochStarted,
    FreezeApplied,
    LayersMoved,
    LearningRateChanged,
)
from engine.protocol.facts import LayerNode
from engine.state.store import RunStore
from tests.support.run_events import (
    HEAD,
    epoch_ended,
    frozen_but,
    leaf,
    play,
    store_on_features,
    whole_run,
)


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
