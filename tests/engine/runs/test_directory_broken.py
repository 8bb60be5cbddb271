"""A folder of damaged runs: listed, opened, ranked, whatever lies in it."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.common.lines import MAX_LINE_BYTES
from engine.errors import InputError
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    Event,
    HardwareSampled,
    LogLine,
    PhaseChanged,
    RunEnded,
    StageStarted,
    event_to_line,
)
from engine.ranking.table import rank_runs
from engine.report.table import to_csv, to_json, to_markdown
from engine.runs import reading as recorded_events
from engine.runs.directory import RunDirectory
from engine.runs.listing import list_runs, load_run, load_snapshot, read_events
from engine.runs.summary import summarize

WriteRun = Callable[..., str]
Mutation = Callable[[random.Random, Path], None]
ABSURD: tuple[Any, ...] = (
    None, True, -1, 0, 10**400, -(10**30), 1e308, -1e308, float("nan"), float("inf"), "",
    "x" * 9_999, "\ud800", "\x1b[2J", "[/x]", [], {}, [[]], {"a": 1}, [None] * 50,
)  # fmt: skip
FILES = ("spec.json", "summary.json", "events.jsonl")


def truncated(rng: random.Random, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def flipped(rng: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 20)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def wrong_types(rng: random.Random, path: Path) -> None:
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    place = rng.randrange(len(lines))
    plain = json.loads(lines[place])
    target = plain
    while isinstance(target, (dict, list)) and target:
        keys: list[Any] = list(target) if isinstance(target, dict) else list(range(len(target)))
        key = rng.choice(keys)
        if not isinstance(target[key], (dict, list)) or not target[key] or rng.random() < 0.3:
            target[key] = rng.choice(ABSURD)
            break
        target = target[key]
    path.write_text("\n".join([*lines[:place], json.dumps(plain), *lines[place + 1 :]]) + "\n")


def deep(rng: random.Random, path: Path) -> None:
    levels = rng.choice((500, 5_000, 100_000))
    opened, closed = rng.choice((("[", "]"), ('{"spec":', "}"), ('{"children":[', "]}")))
    path.write_text(opened * levels + "1" + closed * levels + "\n")


def invalid_utf8(rng: random.Random, path: Path) -> None:
    content = path.read_bytes()
    place = rng.randrange(len(content))
    path.write_bytes(content[:place] + b"\xff\xfe\x80" + content[place:])


def empty(_: random.Random, path: Path) -> None:
    path.write_bytes(b"")


def sparse(_: random.Random, path: Path) -> None:
    os.truncate(path, 2 * 2**30)


def pipe(_: random.Random, path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(_: random.Random, path: Path) -> None:
    path.unlink()
    path.mkdir()


def loop(rng: random.Random, path: Path) -> None:
    path.unlink()
    path.symlink_to(rng.choice((path.name, "/dev/zero", "gone", "..", "/proc/self/mem")))


def absent(_: random.Random, path: Path) -> None:
    path.unlink()


def future(_: random.Random, path: Path) -> None:
    path.write_text(json.dumps({"format": 99, "event": "Later"}) + "\n")


MUTATIONS: tuple[Mutation, ...] = (
    truncated, flipped, wrong_types, wrong_types, deep, invalid_utf8, empty, sparse, pipe, folder,
    loop, absent, future,
)  # fmt: skip


def damaged(rng: random.Random, sound: Path, at: Path) -> None:
    shutil.copytree(sound, at)
    rng.choice(MUTATIONS)(rng, at / rng.choice([name for name in FILES if (at / name).exists()]))


def foreign(runs_dir: Path) -> None:
    (runs_dir / "loop").symlink_to("loop")
    (runs_dir / "up").symlink_to("..")
    (runs_dir / "notes.txt").write_text("notes")
    (runs_dir / "photos").mkdir()
    os.mkfifo(runs_dir / "pipe")
    os.mkdir(os.fsencode(runs_dir) + b"/\xff\xfe")


@pytest.fixture
def sound(write_run: WriteRun) -> tuple[Path, list[str]]:
    """A folder with three intact runs."""
    ids = [
        write_run("EfficientNetLite0", test=0.91, epochs=3),
        write_run("CustomCNN", status="failed", error="no room"),
        write_run("VGG16", status="interrupted", epochs=2),
    ]
    return write_run.runs_dir, ids  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", ["spec.json", "summary.json"])
@pytest.mark.parametrize(("text", "shown"), [('["x"]', "['x']"), ('"abc"', "'abc'")])
def test_what_is_no_object_is_shown_as_it_is(
    sound: tuple[Path, list[str]], file: str, text: str, shown: str
) -> None:
    folder = sound[0] / sound[1][0]
    (folder / file).write_text(text)
    with pytest.raises(InputError) as refusal:
        load_run(folder)
    assert str(refusal.value) == f"{file}: expected a JSON object, found {shown}"


def test_1000_damaged_runs_hide_no_intact_one(
    sound: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    runs_dir, intact = sound
    rng = random.Random(0)
    for number in range(1_000):
        damaged(rng, runs_dir / rng.choice(intact), runs_dir / f"damaged-{number}")
    foreign(runs_dir)
    begun = time.perf_counter()
    listing = list_runs(runs_dir)
    seconds = time.perf_counter() - begun
    with capsys.disabled():
        print(f"\n1,000 damaged runs listed in {seconds:.2f} s: {len(listing.broken)} are broken")
    assert {run.run_id for run in listing.runs} >= set(intact)
    named = [line.split(":")[0] for line in listing.broken]
    assert len(named) == len(set(named))
    assert {run.run_id for run in listing.runs}.isdisjoint(named)
    assert not {"photos", "loop", "pipe", "notes.txt"} & set(named)
    frame = rank_runs(listing)
    rows = frame.rows
    assert len(rows) == len(listing.runs)
    for form in (to_json, to_csv, to_markdown):
        assert form(frame).encode()


def test_every_damaged_run_can_be_opened(sound: tuple[Path, list[str]], tmp_path: Path) -> None:
    runs_dir, intact = sound
    rng = random.Random(7)
    kinds: tuple[Mutation, ...] = (truncated, flipped, wrong_types, deep, invalid_utf8, pipe, loop)
    for number in range(150):
        at = tmp_path / f"damaged-{number}"
        shutil.copytree(runs_dir / intact[0], at)
        kinds[number % len(kinds)](rng, at / "events.jsonl")
        run = load_run(at)
        assert summarize(load_snapshot(run)).epochs <= 3


def test_a_folder_that_may_not_be_read_is_named(sound: tuple[Path, list[str]]) -> None:
    runs_dir, intact = sound
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (runs_dir / intact[0]).chmod(0)
    (runs_dir / intact[1] / "spec.json").chmod(0)
    listing = list_runs(runs_dir)
    (runs_dir / intact[0]).chmod(0o755)
    assert [run.run_id for run in listing.runs] == [intact[2]]
    assert [line.split(":")[0] for line in listing.broken] == sorted(intact[:2])


def test_a_line_of_many_megabytes_is_passed_over(directory: RunDirectory) -> None:
    first, last = PhaseChanged(phase="loading"), PhaseChanged(phase="training")
    endless = "x" * (20 * MAX_LINE_BYTES) + "\n"
    directory.events.write_text(event_to_line(first) + endless + event_to_line(last))
    assert list(read_events(directory)) == [first, last]
    assert load_snapshot(load_run(directory.path)).phase == "training"


def test_a_long_record_is_thinned_but_for_its_epochs(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_events, "THINNED_BYTES", 2**17)  # 4,000 batches are long then
    batches = "".join(event_to_line(batch(step)) for step in range(1, 201))
    with directory.events.open("w") as lines:
        for number in range(1, 21):
            lines.write(batches + event_to_line(epoch(number)))
    run = load_snapshot(load_run(directory.path))
    assert [e.epoch for e in run.ended_epochs] == list(range(1, 21))
    assert 100 < len(run.loss.full) <= 512


def test_an_order_that_no_trainer_gives_and_absurd_figures(directory: RunDirectory) -> None:
    events: list[Event] = [
        RunEnded(status="completed"),
        batch(10**15),
        StageStarted(stage=-3, name="x", epochs=-1, learning_rate=float("nan"), trains="all"),
        EpochEnded(**{**vars(epoch(-5)), "loss": 1e300}),
        epoch(10**12),
        PhaseChanged(phase="training", time=-1e300),
        HardwareSampled(
            cpu_percent=(), memory_used_bytes=0, memory_total_bytes=0, process_memory_bytes=-1
        ),
        LogLine(level="info", text="\x1b[2J"),
        epoch(1),
    ]
    for seed in range(20):
        random.Random(seed).shuffle(events)
        directory.events.write_text("".join(event_to_line(event) for event in events))
        run = load_snapshot(load_run(directory.path))
        assert {e.epoch for e in run.ended_epochs} == {1, 10**12}
        assert summarize(run).epochs == 2


def test_a_record_without_its_beginning_is_still_drawn(directory: RunDirectory) -> None:
    whole = [PhaseChanged(phase="training"), *(epoch(number) for number in range(1, 6))]
    lines = [event_to_line(event) for event in whole]
    directory.events.write_text("".join(lines[3:]))
    run = load_snapshot(load_run(directory.path))
    assert [e.epoch for e in run.ended_epochs] == [3, 4, 5]


def test_names_of_a_damaged_spec_obey_no_markup(directory: RunDirectory) -> None:
    plain = json.loads(directory.spec.read_text())
    plain["spec"]["model"] = "\x1b[2J[/x]"
    directory.spec.write_text(json.dumps(plain))
    model = load_run(directory.path).file.spec.model
    assert model.isprintable()
    assert "[" not in model


def batch(step: int) -> BatchEnded:
    return BatchEnded(epoch=1, step=step, loss=1.0, accuracy=0.5, batches=1, images_per_second=9.0)


def epoch(number: int) -> EpochEnded:
    return EpochEnded(
        epoch=number,
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
