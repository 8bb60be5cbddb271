"""Removing runs: to the trash, never an alive one; what prune finds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.runs.directory import TRASH, RunDirectory, write_json
from engine.runs.listing import list_runs, load_run
from engine.runs.lock import locked
from engine.runs.summary import Summary
from engine.runs.trash import (
    ASIDE_SECONDS,
    bytes_on_disk,
    removable,
    remove,
    trash_run,
    trashed_runs,
)

WriteRun = Callable[..., str]


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Where `write_run` writes."""
    return tmp_path / "runs"


def old_file(path: Path, size: int = 10) -> Path:
    """A file from before the hour within which a write may be going on."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)
    before = path.stat().st_mtime - ASIDE_SECONDS - 60
    os.utime(path, (before, before))
    return path


def test_a_removed_run_lies_whole_in_the_trash_and_is_listed_no_more(
    write_run: WriteRun, runs_dir: Path
) -> None:
    kept, removed = write_run(test=0.5), RunDirectory(runs_dir / write_run("VGG16", test=0.9))
    place = trash_run(removed)
    assert place == runs_dir / TRASH / removed.run_id
    assert load_run(place).summary.test_accuracy == 0.9
    listing = list_runs(runs_dir)
    assert ([run.run_id for run in listing.runs], listing.broken) == ([kept], ())
    assert trashed_runs(runs_dir) == [place]


def test_the_same_name_is_removed_twice(directory: RunDirectory) -> None:
    places = []
    for _ in range(3):
        directory.path.mkdir(exist_ok=True)
        places.append(trash_run(directory).name)
    assert places == [directory.run_id, f"{directory.run_id}-2", f"{directory.run_id}-3"]


def test_a_run_that_is_alive_is_never_moved(directory: RunDirectory) -> None:
    with locked(directory.lock):
        for text in (directory.spec.read_text(), "broken"):
            directory.spec.write_text(text)
            with pytest.raises(InputError, match="expected a run that is over"):
                trash_run(directory)
    assert directory.path.is_dir()
    assert not (directory.path.parent / TRASH).exists()
    assert trash_run(directory).is_dir()


def test_a_heartbeat_from_another_machine_is_life(directory: RunDirectory) -> None:
    directory.events.touch()
    with pytest.raises(InputError, match="stop it first"):
        trash_run(directory)


def test_a_trash_that_cannot_be_is_said(directory: RunDirectory) -> None:
    (directory.path.parent / TRASH).touch()
    with pytest.raises(InputError, match="check the rights of both folders"):
        trash_run(directory)
    assert load_run(directory.path)


def test_links_are_neither_followed_nor_counted(tmp_path: Path, directory: RunDirectory) -> None:
    big = tmp_path / "elsewhere"
    big.mkdir()
    (big / "file").write_bytes(b"x" * 10_000)
    before = bytes_on_disk(directory.path)
    assert before == directory.spec.stat().st_size
    (directory.path / "link").symlink_to(big)
    assert before < bytes_on_disk(directory.path) < before + 1_000
    trash_run(directory)
    (found,) = removable(tmp_path)
    assert found.bytes >= before
    remove(found)
    assert (big / "file").exists()
    assert bytes_on_disk(directory.path) == 0


def test_prune_finds_what_no_run_needs(write_run: WriteRun, runs_dir: Path) -> None:
    over, stopped, gone = (
        RunDirectory(runs_dir / write_run(test=0.5)),
        RunDirectory(runs_dir / write_run(status="stopped")),
        RunDirectory(runs_dir / write_run(test=0.4)),
    )
    for run in (over, stopped):
        old_file(run.checkpoints / "last.npz", 1_000)
    torn = [
        old_file(over.path / ".123-model.keras"),
        old_file(stopped.checkpoints / ".123-last.npz"),
        old_file(runs_dir / ".123-.ranking-index.json"),
    ]
    (over.path / ".456-notes.json").touch()  # perhaps being written
    place = trash_run(gone)
    found = removable(runs_dir)
    assert [item.path for item in found] == [place, over.checkpoints, *torn]
    assert [item.bytes for item in found][1:] == [1_000, 10, 10, 10]
    for item in found:
        remove(item)
    assert removable(runs_dir) == []
    assert (stopped.checkpoints / "last.npz").exists()
    assert (over.path / ".456-notes.json").exists()
    assert len(list_runs(runs_dir).runs) == 2


def test_prune_keeps_what_a_failed_run_goes_on_from(write_run: WriteRun, runs_dir: Path) -> None:
    failed = RunDirectory(runs_dir / write_run(status="failed"))
    old_file(failed.checkpoints / "last.npz")
    assert removable(runs_dir) == []


def test_prune_takes_no_hidden_file_of_a_person(directory: RunDirectory) -> None:
    for folder in (directory.path, directory.path.parent):
        old_file(folder / ".2024-notes")
    assert removable(directory.path.parent) == []


def test_prune_leaves_a_run_that_is_alive_alone(directory: RunDirectory) -> None:
    old_file(directory.checkpoints / "last.npz")
    old_file(directory.path / ".123-metrics.csv")
    write_json(directory.summary, Summary("stopped"))
    with locked(directory.lock):
        assert removable(directory.path.parent) == []
    assert [item.what for item in removable(directory.path.parent)] == ["unfinished file"]


def test_no_folder_has_nothing_to_remove(tmp_path: Path) -> None:
    assert removable(tmp_path / "nowhere") == []


def test_a_run_that_was_to_be_whole_is_pruned_once_its_process_is_gone(
    write_run: WriteRun, runs_dir: Path
) -> None:
    kept = write_run(test=0.5)
    begun = [runs_dir / f".{number}-20260101-000000-ensemble" for number in (1, 2, 3)]
    for folder in begun:
        old_file(folder / "spec.json")
        before = folder.stat().st_mtime - ASIDE_SECONDS - 60
        if folder is not begun[0]:
            os.utime(folder, (before, before))
    with locked(RunDirectory(begun[1]).lock):
        os.utime(begun[1], (before, before))
        (found,) = removable(runs_dir)
    assert (found.path, found.what, found.bytes) == (begun[2], "unfinished run", 10)
    remove(found)
    assert {path.name for path in runs_dir.iterdir()} == {kept, begun[0].name, begun[1].name}
