"""The recorder: what stands in a run's directory afterwards."""

from __future__ import annotations

import contextlib
import csv
import resource
import threading
from collections.abc import Iterator

import pytest

from engine.config.spec import RunSpec
from engine.protocol.events import (
    FREQUENT,
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Event,
    HardwareSampled,
    LogLine,
    PhaseChanged,
    RunEnded,
)
from engine.runs.directory import RunDirectory
from engine.runs.listing import load_run, read_events
from engine.runs.recorder import SPACING_SECONDS, Recorder


def batch(step: int, time: float) -> BatchEnded:
    return BatchEnded(
        epoch=1, step=step, loss=1.0, accuracy=0.5, batches=1, images_per_second=9.0, time=time
    )


def epoch(number: int) -> EpochEnded:
    return EpochEnded(
        epoch=number,
        stage=1,
        loss=0.25,
        accuracy=0.5,
        val_loss=0.75,
        val_accuracy=0.125,
        learning_rate=1e-3,
        train_seconds=1.0,
        validation_seconds=1.0,
        images_per_second=1.0,
    )


def test_batches_are_thinned_but_the_last_of_an_epoch_stays(
    directory: RunDirectory, spec: RunSpec
) -> None:
    recorder = Recorder(directory, spec)
    recorder.record(EpochStarted(epoch=1, stage=1, steps=100, time=10.0))
    for step in range(1, 101):
        recorder.record(batch(step, 10.0 + step * 0.01))
    recorder.close()
    steps = [event.step for event in read_events(directory) if isinstance(event, BatchEnded)]
    assert steps == [1, 51, 100]


def test_only_what_readers_thin_as_well_is_thinned() -> None:
    assert set(SPACING_SECONDS) < set(FREQUENT)


def test_hardware_is_a_heartbeat_every_five_seconds(directory: RunDirectory, spec: RunSpec) -> None:
    recorder = Recorder(directory, spec)
    for second in range(21):
        recorder.record(
            HardwareSampled(
                cpu_percent=(1.0,),
                memory_used_bytes=1,
                memory_total_bytes=2,
                process_memory_bytes=1,
                time=100.0 + second,
            )
        )
    recorder.close()
    assert [event.time for event in read_events(directory)] == [100, 105, 110, 115, 120]


def test_metrics_are_keras_csvlogger_columns(directory: RunDirectory, spec: RunSpec) -> None:
    recorder = Recorder(directory, spec)
    for number in (1, 2):
        recorder.record(epoch(number))
    recorder.close()
    with directory.metrics.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch",
        "accuracy",
        "learning_rate",
        "loss",
        "val_accuracy",
        "val_loss",
    ]
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert rows[0]["val_accuracy"] == "0.125"


def test_the_summary_comes_with_the_end_and_nothing_after_close(
    directory: RunDirectory, spec: RunSpec
) -> None:
    recorder = Recorder(directory, spec)
    recorder.record(PhaseChanged(phase="loading"))
    assert not directory.summary.exists()
    recorder.record(RunEnded(status="failed", error="no data"))
    recorder.close()
    recorder.record(LogLine(level="info", text="late"))
    record = load_run(directory.path)
    assert (record.status, record.summary.error) == ("failed", "no data")
    assert "late" not in directory.events.read_text()


def test_lines_from_many_threads_stay_whole(directory: RunDirectory, spec: RunSpec) -> None:
    recorder = Recorder(directory, spec)

    def write(name: int) -> None:
        for i in range(200):
            recorder.record(LogLine(level="info", text=f"{name}-{i}" * 20))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    assert len(list(read_events(directory))) == 800
    assert len(directory.log.read_text().splitlines()) == 800


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes: EFBIG, as SIGXFSZ is ignored."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, 100, 700])
def test_a_full_disk_raises_nothing_and_loses_nothing(
    directory: RunDirectory, spec: RunSpec, room: int
) -> None:
    told: list[Event] = [
        PhaseChanged(phase="training"),
        LogLine(level="info", text="one\ntwo"),
        epoch(1),
    ]
    told += [epoch(2), LogLine(level="warning", text="läßt \udcff"), RunEnded(status="completed")]
    with files_of_at_most(room):
        recorder = Recorder(directory, spec)
        for event in told:
            recorder.record(event)
        full = recorder.full
        assert full is not None
        assert full.path.parent == directory.path
        assert (full.bytes > 0, full.reason) == (True, "File too large")
        assert recorder.retry() == recorder.full
        written = directory.events.read_text()
    assert recorder.retry() is None
    recorder.close()
    assert directory.events.read_text().startswith(written)
    kinds = [type(event) for event in read_events(directory)]
    assert kinds == [type(event) for event in told]
    with directory.metrics.open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    assert directory.log.read_text().splitlines() == ["one", "two", "läßt ?"]
    assert load_run(directory.path).status == "completed"
    assert not list(directory.path.glob(".*"))


def test_room_that_comes_back_before_the_end_is_used_by_the_end(
    directory: RunDirectory, spec: RunSpec
) -> None:
    recorder = Recorder(directory, spec)
    with files_of_at_most(10):
        recorder.record(epoch(1))
        recorder.record(RunEnded(status="failed", error="x"))
    recorder.close()
    assert len(list(read_events(directory))) == 2
    assert load_run(directory.path).status == "failed"
