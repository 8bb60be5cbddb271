"""`cifar-tui runs`: what it lists, moves to the trash and removes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pseudo_terminal import Terminal

from engine.common.text import byte_size
from engine.runs.directory import TRASH, RunDirectory
from engine.runs.lock import locked
from engine.runs.trash import bytes_on_disk
from tui.__main__ import main

WriteRun = Callable[..., str]


@pytest.fixture(autouse=True)
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `write_run` writes, and where the command looks."""
    monkeypatch.setenv("CIFAR_TUI_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that bad input gets."""
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


def test_no_runs_are_listed_and_pruned(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == f"0 runs, 0 B\nfolder: {runs_dir}\n"
    assert main(["runs", "prune"]) == 0
    assert capsys.readouterr().out == "nothing to remove\n"
    assert not runs_dir.exists()


def test_the_list_has_sizes_and_the_total(
    write_run: WriteRun, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = RunDirectory(runs_dir / write_run("VGG16", test=0.9))
    write_run(status="interrupted")
    first.model.write_bytes(b"x" * 20_480)
    first.checkpoints.mkdir()
    (first.checkpoints / "last.npz").write_bytes(b"x" * 1_024)
    (runs_dir / "broken").mkdir()
    (runs_dir / "broken" / "spec.json").touch()
    assert main(["runs", "list"]) == 0
    printed = capsys.readouterr()
    titles, newer, older, total, folder = printed.out.splitlines()
    assert titles.split() == ["run", "model", "status", "model", "file", "checkpoints", "total"]
    assert newer.split()[1:3] == ["EfficientNetLite0", "interrupted"]
    size = byte_size(bytes_on_disk(first.path))
    assert older.split()[1:] == f"VGG16 completed 20.0 KB 1.00 KB {size}".split()
    assert total.startswith("2 runs, ")
    assert folder == f"folder: {runs_dir}"
    assert printed.err.startswith("cifar-tui: left out broken: spec.json: expected readable JSON")


def test_the_list_as_json(
    write_run: WriteRun, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = write_run(test=0.9)
    assert main(["runs", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (run,) = printed["runs"]
    assert (run["run_id"], run["status"], run["model_bytes"]) == (run_id, "completed", 0)
    assert printed["bytes"] == run["bytes"] == bytes_on_disk(runs_dir / run_id) > 0
    assert (printed["folder"], printed["trash_bytes"]) == (str(runs_dir), 0)


def test_deleted_runs_lie_in_the_trash_until_it_is_pruned(
    write_run: WriteRun, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, first, second = write_run(), write_run("VGG16"), write_run("CustomCNN")
    assert main(["runs", "delete", "vgg16", second, "--yes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"moved {name} to {runs_dir / TRASH / name}" for name in (first, second)]
    assert "cifar-tui runs prune --yes" in lines[2]
    assert main(["runs", "list"]) == 0
    assert " in the trash\n" in capsys.readouterr().out
    assert main(["runs", "prune", "--json"]) == 0
    offered = json.loads(capsys.readouterr().out)
    assert [item["path"] for item in offered["items"]] == [
        str(runs_dir / TRASH / name) for name in sorted((first, second))
    ]
    assert (runs_dir / TRASH / first).is_dir()
    assert main(["runs", "prune", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"removed 2 items, {byte_size(offered['bytes'])}"
    )
    assert sorted(os.listdir(runs_dir)) == [TRASH, kept]
    assert os.listdir(runs_dir / TRASH) == []


def test_a_run_that_cannot_be_read_is_deleted_by_its_whole_name(runs_dir: Path) -> None:
    (runs_dir / "broken").mkdir(parents=True)
    (runs_dir / "broken" / "spec.json").touch()
    assert main(["runs", "delete", "broken", "--yes"]) == 0
    assert os.listdir(runs_dir) == [TRASH]


def test_all_that_is_rejected(
    write_run: WriteRun, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alive, over = write_run(status="stopped"), write_run()
    assert "expected the runs to delete" in refused(["runs", "delete"], capsys)
    assert "expected the id of a run" in refused(["runs", "delete", over, "vgg"], capsys)
    assert "expected one run, found" in refused(["runs", "delete", "effi"], capsys)
    assert "expected --yes" in refused(["runs", "delete", over], capsys)
    assert "expected no run after prune" in refused(["runs", "prune", over], capsys)
    assert "drop" in refused(["runs", "drop"], capsys)
    assert "expected the id of a run" in refused(["runs", "delete", TRASH], capsys)
    with locked(runs_dir / alive / "lock"):
        line = refused(["runs", "delete", alive, "--yes"], capsys)
        assert "expected a run that is over" in line
    assert sorted(os.listdir(runs_dir)) == sorted([alive, over])
    (runs_dir.parent / "file").touch()
    line = refused(["runs", "--runs-dir", str(runs_dir.parent / "file")], capsys)
    assert "expected a folder of runs" in line


def test_a_terminal_is_asked(write_run: WriteRun, runs_dir: Path) -> None:
    run_id = write_run()
    for answer, status in (("n", 1), ("y", 0)):
        assert (runs_dir / run_id).is_dir()
        terminal = Terminal(["runs", "delete", run_id], {"CIFAR_TUI_RUNS": str(runs_dir)})
        terminal.wait_for("[y/N]", 30)
        terminal.press(answer + "\n")
        assert terminal.close() == status
    assert not (runs_dir / run_id).exists()
