"""Which run is meant."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InputError
from engine.runs.resume import find_unfinished
from engine.runs.selecting import choose_run, is_same_queue, runs_beside


@pytest.fixture
def runs_dir(write_run: Any) -> Path:
    """Two runs that are over and, older than those, one that is alive on another host."""
    alive = write_run("VGG16", status="interrupted")
    write_run("CustomCNN", test=0.7)
    write_run("EfficientNetLite0", test=0.9)
    events = write_run.runs_dir / alive / "events.jsonl"
    os.utime(events, (time.time(), time.time()))
    folder: Path = write_run.runs_dir
    return folder


def refusal(runs_dir: Path, name: str | None) -> str:
    with pytest.raises(InputError) as caught:
        choose_run(runs_dir, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_one_that_is_alive_comes_before_newer_ones(runs_dir: Path) -> None:
    assert choose_run(runs_dir, None).file.spec.model == "VGG16"


def test_the_newest_where_none_is_alive(runs_dir: Path, write_run: Any) -> None:
    for path in runs_dir.glob("*/events.jsonl"):
        os.utime(path, (0, 0))
    assert choose_run(runs_dir, None).file.spec.model == "EfficientNetLite0"


def test_an_id_a_part_of_one_and_a_path_name_a_run(runs_dir: Path) -> None:
    run = choose_run(runs_dir, "custom")
    assert run.file.spec.model == "CustomCNN"
    assert choose_run(runs_dir, run.run_id) == run
    by_path = choose_run(runs_dir / "nowhere", str(run.directory.path))
    assert by_path.run_id == run.run_id


def test_an_id_that_begins_anothers_is_that_run(runs_dir: Path, write_run: Any) -> None:
    run = choose_run(runs_dir, "custom")
    (runs_dir / f"{run.run_id}-2").mkdir()
    for name in ("spec.json", "summary.json"):
        copy = (run.directory.path / name).read_text()
        (runs_dir / f"{run.run_id}-2" / name).write_text(copy)
    assert choose_run(runs_dir, run.run_id).run_id == run.run_id


def test_what_names_no_run_or_several_is_refused_in_a_line(tmp_path: Path, runs_dir: Path) -> None:
    assert "found none" in refusal(tmp_path / "empty", None)
    assert "'resnet'" in refusal(runs_dir, "resnet")
    several = refusal(runs_dir, "2023")
    assert "expected one run" in several
    assert "customcnn" in several
    assert "spec.json" in refusal(runs_dir, str(tmp_path))


def test_a_run_that_cannot_be_read_is_named_with_the_reason(runs_dir: Path) -> None:
    run = choose_run(runs_dir, "custom")
    run.directory.spec.write_text("{")
    assert "spec.json: expected readable JSON, found JSONDecodeError" in refusal(runs_dir, "custom")


@pytest.mark.parametrize(("folder", "part"), [("a:b", "a"), ("od\nd", "od")])
def test_a_broken_run_of_an_odd_name_is_found_by_a_part_of_it(
    runs_dir: Path, folder: str, part: str
) -> None:
    (runs_dir / folder).mkdir()
    (runs_dir / folder / "spec.json").write_text("{")
    (runs_dir / f"{part} photos").mkdir()
    shown = runs_dir / folder.replace("\n", "?")
    for name in (part, folder):
        line = refusal(runs_dir, name)
        assert line.startswith(f"{shown}: spec.json: expected readable JSON")


def test_runs_beside_leave_out_the_known_and_the_broken(runs_dir: Path) -> None:
    run = choose_run(runs_dir, "custom")
    (runs_dir / "broken").mkdir()
    (runs_dir / "broken" / "spec.json").write_text("{")
    beside = list(runs_beside(run))
    assert [other.file.spec.model for other in beside] == ["VGG16", "EfficientNetLite0"]
    assert list(runs_beside(run, {other.run_id for other in beside})) == []
    assert not any(is_same_queue(run, other) for other in beside)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for choose in (choose_run, find_unfinished):
        with pytest.raises(InputError, match="expected a folder of runs, found the file"):
            choose(tmp_path / "file", None)
