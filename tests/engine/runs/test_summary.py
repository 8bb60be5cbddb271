"""The summary of a run: its figures at hand-made seconds."""

from __future__ import annotations

import pytest

from engine.common.codec import from_plain, to_plain
from engine.config.spec import RunSpec
from engine.protocol.events import Event, HardwareSampled, PhaseChanged, RunResumed
from engine.runs.summary import CURVE_POINTS, Summary, check_summary, summarize
from tests.support.run_events import epoch_ended, play, whole_run


def sample(memory: int) -> HardwareSampled:
    return HardwareSampled(
        cpu_percent=(), memory_used_bytes=0, memory_total_bytes=0, process_memory_bytes=memory
    )


def test_the_curve_has_the_train_seconds_at_each_epoch_s_end(spec: RunSpec) -> None:
    run = play(spec, whole_run(spec))
    summary = summarize(run)
    # 25 s of tracing, then 10 of training and 2 of validation an epoch; no saving, no test.
    assert summary.curve == ((37.0, 0.7), (49.0, 0.9), (61.0, 0.8))
    assert summary.curve[-1][0] == summary.train_seconds
    assert summary.test_images == 50


def test_a_pause_is_no_train_time_of_the_curve(spec: RunSpec) -> None:
    events: list[Event] = [
        PhaseChanged(phase="training", time=100),
        PhaseChanged(phase="paused", time=110),
        PhaseChanged(phase="training", time=500),
        epoch_ended(1, 1, 0.5, 520),
    ]
    assert summarize(play(spec, events)).curve == ((30.0, 0.5),)


def test_epochs_past_the_checkpoint_leave_the_curve_but_not_their_time(spec: RunSpec) -> None:
    events: list[Event] = [
        PhaseChanged(phase="training", time=100),
        epoch_ended(1, 1, 0.5, 110),
        epoch_ended(2, 1, 0.6, 120),
        RunResumed(stage=1, epoch=1, step=0, time=1_000),
        PhaseChanged(phase="training", time=1_000),
        epoch_ended(2, 1, 0.7, 1_010),
    ]
    assert summarize(play(spec, events)).curve == ((10.0, 0.5), (30.0, 0.7))


def test_the_peak_of_memory_is_kept_beyond_the_last_samples(spec: RunSpec) -> None:
    assert summarize(play(spec, [])).peak_memory_bytes is None
    assert summarize(play(spec, [sample(-1)])).peak_memory_bytes is None
    samples = [sample(300), sample(900), *([sample(200)] * 200)]
    assert summarize(play(spec, [*samples])).peak_memory_bytes == 900


def test_a_long_run_s_curve_is_thinned_to_the_best_of_each_group(spec: RunSpec) -> None:
    events: list[Event] = [PhaseChanged(phase="training", time=0)]
    for epoch in range(1, 2 * CURVE_POINTS + 1):
        accuracy = float("nan") if epoch == 1 else 0.9 if epoch == 777 else epoch % 2 / 10
        events.append(epoch_ended(epoch, 1, accuracy, epoch))
    summary = summarize(play(spec, events))
    assert len(summary.curve) == CURVE_POINTS
    assert (777.0, 0.9) in summary.curve
    assert summary.curve[0] == (2.0, 0.0)
    check_summary(summary)


def test_a_summary_survives_its_json_form(spec: RunSpec) -> None:
    summary = summarize(play(spec, [*whole_run(spec), sample(10)]))
    read: Summary = from_plain(Summary, to_plain(summary), "summary.json")
    assert read == summary
    check_summary(read)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_one_of_before_is_read(status: str) -> None:
    read: Summary = from_plain(Summary, {"status": status}, "summary.json")
    check_summary(read)
    assert (read.curve, read.peak_memory_bytes, read.test_images) == ((), None, None)
