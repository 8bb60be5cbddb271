"""Run directories: made, listed, loaded; the broken ones named."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import time
from pathlib import Path

import psutil
import pytest

from engine.config import RunSpec
from engine.errors import InputError
from engine.events import LogLine, PhaseChanged, event_to_line
from engine.origin import find_origin
from engine.runs import (
    RunDirectory,
    SpecFile,
    create_run,
    list_runs,
    load_run,
    load_snapshot,
    open_runs_dir,
    read_events,
    write_json,
)
from engine.summary import Summary


def test_a_clash_of_names_gets_a_number(tmp_path: Path, spec_file: SpecFile) -> None:
    names = [create_run(tmp_path, spec_file).run_id for _ in range(3)]
    assert names[0].endswith("-efficientnetlite0")
    assert names[1:] == [f"{names[0]}-2", f"{names[0]}-3"]


def test_a_run_is_loaded_as_it_was_made(directory: RunDirectory, spec_file: SpecFile) -> None:
    write_json(directory.summary, Summary("completed", test_accuracy=0.5, ranked=True))
    record = load_run(directory.path)
    assert record.file == spec_file
    assert (record.status, record.summary.test_accuracy) == ("completed", 0.5)
    assert sorted(path.name for path in directory.path.iterdir()) == ["spec.json", "summary.json"]


def test_without_a_summary_a_run_lives_as_long_as_its_process(
    tmp_path: Path, spec: RunSpec, spec_file: SpecFile
) -> None:
    mine = dataclasses.replace(spec_file, created_at=time.time(), origin=find_origin())
    assert load_run(create_run(tmp_path, mine).path).status == "running"
    earlier = psutil.Process().create_time() - 100
    reused = dataclasses.replace(mine, created_at=earlier)
    assert load_run(create_run(tmp_path, reused).path).status == "interrupted"


def test_on_another_host_the_heartbeat_tells(directory: RunDirectory, spec_file: SpecFile) -> None:
    assert spec_file.origin.host != socket.gethostname()
    assert load_run(directory.path).status == "interrupted"
    directory.events.touch()
    assert load_run(directory.path).status == "running"
    os.utime(directory.events, (time.time() - 60, time.time() - 60))
    assert load_run(directory.path).status == "interrupted"


def test_a_torn_or_foreign_line_is_passed_over(directory: RunDirectory) -> None:
    first, last = PhaseChanged(phase="loading"), LogLine(level="info", text="x")
    directory.events.write_text(
        event_to_line(first) + '{"event": "Later"}\nnoise\n' + event_to_line(last) + '{"event": "R'
    )
    assert list(read_events(directory)) == [first, last]
    assert load_snapshot(load_run(directory.path)).phase == "loading"


def test_the_list_holds_the_good_and_names_the_bad(tmp_path: Path, spec_file: SpecFile) -> None:
    good = create_run(tmp_path, spec_file)
    newer = create_run(tmp_path, dataclasses.replace(spec_file, created_at=1_800_000_000.0))
    for name, text in {
        "empty": "",
        "foreign": "[1]",
        "deep": "[" * 50_000,
        "future": json.dumps({"format": 99}),
        "wrong": json.dumps({"format": 1, "spec": {"model": 3}}),
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.json").write_text(text)
    (tmp_path / "not-a-run").mkdir()
    (tmp_path / "file.txt").touch()
    listing = list_runs(tmp_path)
    assert [run.run_id for run in listing.runs] == [newer.run_id, good.run_id]
    assert [line.split(":")[0] for line in listing.broken] == [
        "deep",
        "empty",
        "foreign",
        "future",
        "wrong",
    ]
    assert list_runs(tmp_path / "nowhere").runs == ()


def test_a_runs_folder_that_cannot_be_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--runs-dir"):
        open_runs_dir(tmp_path / "file" / "runs")
    assert open_runs_dir(tmp_path / "new" / "runs").is_dir()
    assert list((tmp_path / "new" / "runs").iterdir()) == []
