"""RunStore: what a screen shows after these events."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.config.spec import RunSpec
from engine.protocol.commands import SetTrainable
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Event,
    HardwareSampled,
    LogLine,
    PhaseChanged,
    PhaseProgressed,
    RunEnded,
    RunResumed,
    event_from_line,
    event_to_line,
)
from engine.state.store import LOG_LINES, RunStore
from tests.support.run_events import (
    epoch_ended,
    features,
    frozen_but,
    head_epoch,
    play,
    store_on_features,
    whole_run,
)


def test_epochs_are_taken_over_when_a_snapshot_is_made(spec: RunSpec) -> None:
    store = RunStore("run", spec)
    for event in whole_run(spec)[:-3]:
        store.apply(event)
    first = store.snapshot()
    assert store.snapshot().ended_epochs is first.ended_epochs
    # As many epochs as before, the last another one.
    store.apply(RunResumed(stage=1, epoch=2, step=0, time=300))
    store.apply(again := epoch_ended(3, 2, 0.95, 310))
    second = store.snapshot()
    assert second.ended_epochs == (*first.ended_epochs[:2], again)
    assert len(second.train_seconds_at_ends) == 3
    assert (len(first.markers), second.markers, second.best_epoch) == (1, first.markers, 3)


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


def test_the_steps_of_the_epoch_at_work_are_averaged(spec: RunSpec) -> None:
    batch = BatchEnded(
        epoch=1,
        step=10,
        loss=1.0,
        accuracy=0.1,
        batches=10,
        images_per_second=10.0 * spec.batch_size,
        input_wait_seconds=0.2,
    )
    first = EpochStarted(epoch=1, stage=1, steps=20)
    run = play(spec, [first, batch, replace(batch, step=20, input_wait_seconds=0.4)])
    assert run.step_seconds == pytest.approx(0.1)
    assert run.input_wait_seconds == pytest.approx(0.03)
    later = replace(batch, epoch=2, input_wait_seconds=None)
    run = play(spec, [first, batch, EpochStarted(epoch=2, stage=1, steps=20), later])
    assert run.step_seconds == pytest.approx(0.1)
    assert run.input_wait_seconds is None


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
    store.apply(PhaseProgressed(done=140, total=None, unit="images", time=112))
    run = store.snapshot()
    assert (run.phase_units_per_second, run.phase_seconds_left) == (50.0, None)
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
