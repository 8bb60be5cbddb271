"""Run directories: made, listed, loaded; the broken ones named."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine.common.processes import process_identity
from engine.errors import InputError
from engine.machine.provenance import find_origin
from engine.protocol.events import LogLine, PhaseChanged, event_to_line
from engine.runs.directory import (
    TRASH,
    RunDirectory,
    SpecFile,
    create_run,
    create_whole,
    holds_runs,
    open_runs_dir,
    write_json,
)
from engine.runs.listing import list_runs, load_run, load_snapshot, read_events
from engine.runs.lock import locked
from engine.runs.summary import Summary
from tests.support.ensembles import write_ensemble
from tests.support.runs import RunWriter


def test_a_runs_folder_that_cannot_be_is_rejected_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="choose another `runs_dir`"):
        open_runs_dir(tmp_path / "file" / "runs")
    with pytest.raises(InputError, match=f"found the file {tmp_path}/file; choose another"):
        open_runs_dir(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=f"found the link {tmp_path}/link to nothing; choose"):
        open_runs_dir(tmp_path / "link")
    assert open_runs_dir(tmp_path / "new" / "runs").is_dir()
    assert list((tmp_path / "new" / "runs").iterdir()) == []


def test_a_folder_holds_runs_once_one_is_there_even_a_broken_one(
    tmp_path: Path, spec_file: SpecFile
) -> None:
    assert not holds_runs(tmp_path / "missing")
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").touch()
    create_run(tmp_path, spec_file).path.rename(tmp_path / TRASH)
    assert not holds_runs(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "events.jsonl").symlink_to("nowhere")
    assert holds_runs(tmp_path)


def test_of_many_runs_only_the_first_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "spec.json").touch()
    looked: list[str] = []

    def is_run(folder: str) -> bool:
        looked.append(folder)
        return True

    monkeypatch.setattr("engine.runs.directory._is_run", is_run)
    assert holds_runs(tmp_path)
    assert len(looked) == 1


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
    tmp_path: Path, spec_file: SpecFile
) -> None:
    mine = dataclasses.replace(spec_file, created_at=time.time(), origin=find_origin())
    directory = create_run(tmp_path, mine)
    assert load_run(directory.path).status == "running"
    # Another process has the pid by now, begun before or after the run's own was.
    reused = dataclasses.replace(mine, process="another-boot/1")
    write_json(directory.spec, reused)
    assert load_run(directory.path).status == "interrupted"


def test_an_older_record_tells_a_pid_used_again_by_its_time(
    tmp_path: Path, spec_file: SpecFile
) -> None:
    mine = dataclasses.replace(spec_file, created_at=time.time(), origin=find_origin())
    directory = create_run(tmp_path, mine)
    write_json(directory.spec, mine)
    assert load_run(directory.path).status == "running"
    earlier = psutil.Process().create_time() - 100
    write_json(directory.spec, dataclasses.replace(mine, created_at=earlier))
    assert load_run(directory.path).status == "interrupted"


def test_a_process_that_ended_is_gone_though_nobody_asked_for_its_status() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = process_identity(child.pid)
    assert identity is not None
    assert identity not in (process_identity(), None)
    assert process_identity(child.pid) == identity
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays as a zombie
    assert process_identity(child.pid) is None
    child.wait()


def test_a_stopped_run_that_is_resumed_is_running(directory: RunDirectory) -> None:
    write_json(directory.summary, Summary("stopped"))
    with locked(directory.lock):
        assert load_run(directory.path).status == "running"
        write_json(directory.summary, Summary("completed"))
        assert load_run(directory.path).status == "completed"
    write_json(directory.summary, Summary("interrupted"))
    assert load_run(directory.path).status == "interrupted"


def test_a_paused_run_is_alive_and_says_so(directory: RunDirectory) -> None:
    paused, trains = PhaseChanged(phase="paused"), PhaseChanged(phase="training")
    sample = event_to_line(LogLine(level="info", text="x" * 300))
    with directory.events.open("w") as lines, locked(directory.lock):
        lines.write(event_to_line(trains) + event_to_line(paused) + sample * 1_000 + '{"event": "P')
        lines.flush()
        run = load_run(directory.path)
        assert (run.status, run.state) == ("running", "paused")
        lines.write("\n" + event_to_line(trains))
        lines.flush()
        run = load_run(directory.path)
        assert (run.status, run.state) == ("running", "running")
    os.utime(directory.events, (0, 0))
    assert load_run(directory.path).state == "interrupted"


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


def test_a_run_made_whole_is_no_run_before_it_is_one(tmp_path: Path, spec_file: SpecFile) -> None:
    def fill(directory: RunDirectory) -> None:
        assert load_run(directory.path).file.spec == spec_file.spec
        assert list_runs(tmp_path).runs == ()
        assert not holds_runs(tmp_path)
        directory.log.touch()

    made = [create_whole(tmp_path, spec_file, fill if n == 0 else lambda _: None) for n in (0, 1)]
    assert made[1].run_id == f"{made[0].run_id}-2"
    assert {run.run_id for run in list_runs(tmp_path).runs} == {each.run_id for each in made}
    assert {path.name for path in made[0].path.iterdir()} == {"spec.json", "lock", "run.log"}
    assert {path.name for path in tmp_path.iterdir()} == {each.run_id for each in made}


def test_a_run_that_cannot_be_made_whole_leaves_nothing(
    tmp_path: Path, spec_file: SpecFile
) -> None:
    def fail(directory: RunDirectory) -> None:
        directory.log.touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_whole(tmp_path, spec_file, fail)
    assert list(tmp_path.iterdir()) == []


def test_names_in_an_ensemble_are_shown_without_what_a_terminal_obeys(
    write_run: RunWriter, tmp_path: Path
) -> None:
    run = write_ensemble(write_run)
    text = run.directory.spec.read_text()
    run.directory.spec.write_text(text.replace('"left-out"', '"\\u001b[2J"'))
    ensemble = load_run(run.directory.path).file.spec.ensemble
    assert ensemble is not None
    assert "\x1b" not in ensemble.left_out[0]
    assert "[" not in ensemble.left_out[0]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"weight": 0.5', '"weight": 2', "ensemble.members.weight: expected 0 to 1, found 2"),
        ('"train_seconds": 10.0', '"train_seconds": 1e300', "members.train_seconds: expected 0 to"),
        ('"wall_seconds": 15.0', '"wall_seconds": -1', "members.wall_seconds: expected 0 to"),
    ],
)
def test_figures_that_no_ensemble_can_have_are_named(
    write_run: RunWriter, right: str, wrong: str, said: str
) -> None:
    run = write_ensemble(write_run)
    text = run.directory.spec.read_text()
    assert right in text
    run.directory.spec.write_text(text.replace(right, wrong))
    with pytest.raises(InputError, match=said):
        load_run(run.directory.path)
