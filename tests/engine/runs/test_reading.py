"""Following a record: whole lines, once, in order, whatever is wrong with some of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import engine.common.lines
import engine.runs.reading
from engine.protocol.events import BatchEnded, EpochEnded, Event, LogLine, event_to_line
from engine.runs.directory import RunDirectory
from engine.runs.listing import derived_end, load_run
from engine.runs.reading import RecordReader

WriteRun = Callable[..., str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the record will be."""
    return tmp_path / "events.jsonl"


def line(text: str) -> LogLine:
    return LogLine(time=1.7e9, level="info", text=text)


def append(path: Path, *events: Event | str) -> None:
    with path.open("a", encoding="utf-8") as file:
        for event in events:
            file.write(event if isinstance(event, str) else event_to_line(event))


def batches(count: int) -> list[BatchEnded]:
    return [
        BatchEnded(
            time=1.7e9 + step,
            epoch=1,
            step=step,
            loss=1.0,
            accuracy=0.5,
            batches=1,
            images_per_second=9.0,
        )
        for step in range(1, count + 1)
    ]


def test_a_record_that_is_not_there_yet_says_nothing(path: Path) -> None:
    reader = RecordReader(path)
    assert reader.read() == []
    append(path, line("first"))
    assert reader.read() == [line("first")]


def test_history_comes_first_then_what_joins_and_nothing_twice(path: Path) -> None:
    append(path, line("a"), line("b"))
    reader = RecordReader(path)
    assert reader.read() == [line("a"), line("b")]
    assert reader.read() == []
    append(path, line("c"))
    assert reader.read() == [line("c")]


def test_two_readers_do_not_disturb_each_other(path: Path) -> None:
    append(path, line("a"))
    one, other = RecordReader(path), RecordReader(path)
    assert one.read() == other.read() == [line("a")]


def test_half_a_line_waits_for_its_end(path: Path) -> None:
    whole = event_to_line(line("b"))
    append(path, line("a"), whole[:20])
    reader = RecordReader(path)
    assert reader.read() == [line("a")]
    assert reader.read() == []
    append(path, whole[20:])
    assert reader.read() == [line("b")]


def test_a_torn_end_that_is_cut_off_is_gone_on_behind(path: Path) -> None:
    append(path, line("a"))
    whole = path.stat().st_size
    append(path, '{"event": "LogLi')
    reader = RecordReader(path)
    assert reader.read() == [line("a")]
    with path.open("rb+") as file:
        file.truncate(whole)
    append(path, line("b"))
    assert reader.read() == [line("b")]


def test_a_record_that_lost_what_was_read_is_gone_on_at_its_end(path: Path) -> None:
    append(path, line("a"), line("b"))
    reader = RecordReader(path)
    reader.read()
    path.write_text(event_to_line(line("a")))
    assert reader.read() == []
    append(path, line("c"))
    assert reader.read() == [line("c")]


@pytest.mark.parametrize(
    "damage",
    [
        "nonsense",
        "[]",
        "[" * 100_000,
        '{"event": "FromTheFuture", "time": 1}',
        '{"event": "LogLine", "time": 1}',
        '{"event": "LogLine", "time": 1e400, "level": "info", "text": ""}',
        f'{{"event": "LogLine", "time": {"9" * 400}, "level": "info", "text": ""}}',
        "\x00" * 100,
        "",
    ],
)
def test_a_line_that_is_no_event_is_passed_over(path: Path, damage: str) -> None:
    append(path, line("a"), damage + "\n", line("b"))
    assert RecordReader(path).read() == [line("a"), line("b")]


def test_bytes_that_are_no_text_cost_one_line(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x80\n" + event_to_line(line("a")).encode())
    assert RecordReader(path).read() == [line("a")]


def test_a_chunk_that_holds_no_event_does_not_look_like_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.common.lines, "CHUNK_BYTES", 10)
    append(path, "nonsense\n" * 10, line("a"))
    assert RecordReader(path).read() == [line("a")]


def test_a_line_beyond_all_measure_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.common.lines, "CHUNK_BYTES", 100)
    monkeypatch.setattr(engine.common.lines, "MAX_LINE_BYTES", 200)
    append(path, line("a"), "x" * 450 + "\n", line("b"))
    reader = RecordReader(path)
    assert [*reader.read(), *reader.read()] == [line("a"), line("b")]


def test_of_a_long_history_only_frequent_events_are_left_out_and_none_of_its_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.runs.reading, "HISTORY_BYTES", 5_000)
    monkeypatch.setattr(engine.runs.reading, "RECENT_BYTES", 2_000)
    monkeypatch.setattr(engine.common.lines, "CHUNK_BYTES", 1_000)
    monkeypatch.setattr(engine.runs.reading, "KEPT_WHOLE", 10)
    early, late = batches(200), batches(10)
    ended = EpochEnded(
        time=1.7e9,
        epoch=1,
        stage=1,
        loss=1.0,
        accuracy=0.5,
        val_loss=1.0,
        val_accuracy=0.5,
        learning_rate=1e-3,
        train_seconds=1.0,
        validation_seconds=1.0,
        images_per_second=9.0,
    )
    append(path, *early, ended, *late)
    reader, found = RecordReader(path), list[Event]()
    while events := reader.read():
        found += events
    assert found[-11:] == [ended, *late]
    share = len(found) / 211
    assert 0.1 < share < 0.5
    append(path, *batches(100))
    joined = list[Event]()
    while events := reader.read():
        joined += events
    assert joined == batches(100)


@pytest.mark.parametrize("status", ["completed", "stopped", "failed", "interrupted"])
def test_the_end_that_a_record_lacks_is_derived(write_run: WriteRun, status: str) -> None:
    runs_dir = write_run.runs_dir  # type: ignore[attr-defined]
    record = load_run(runs_dir / write_run(status=status, error="why"))
    end = derived_end(record, 5.0)
    assert end is not None
    assert (end.status, end.time) == (status, 5.0)
    assert end.error == ("" if status == "interrupted" else "why")


def test_a_run_that_is_heard_of_has_no_end(write_run: WriteRun) -> None:
    runs_dir = write_run.runs_dir  # type: ignore[attr-defined]
    directory = RunDirectory(runs_dir / write_run(status="interrupted"))
    append(directory.events, line("the heartbeat of another host"))
    assert derived_end(load_run(directory.path), 5.0) is None
