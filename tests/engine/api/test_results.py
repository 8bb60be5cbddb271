"""Runs and rankings as Python values."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

import engine
from engine.errors import InputError
from engine.ranking.row import KINDS
from engine.runs.directory import RunDirectory
from engine.runs.recorder import METRICS

WriteRun = Callable[..., str]
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "runs"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/metrics.csv")), ids=lambda p: p.parent.name)
def test_the_curves_are_those_of_the_file(path: Path) -> None:
    curves = engine.open_run(path.parent).curves
    with path.open(newline="") as file:
        rows = [[float(value) for value in row.values()] for row in csv.DictReader(file)]
    assert tuple(curves.columns) == METRICS
    assert [[row[0] - 1, *row[1:]] for row in curves.to_numpy().tolist()] == rows


def test_a_run_is_found_by_path_id_and_part(write_run: WriteRun, tmp_path: Path) -> None:
    name = write_run("VGG16", test=0.75, train_seconds=12.25)
    folder = tmp_path / "runs"
    run = engine.open_run(folder / name)
    assert run == engine.open_run(str(folder / name)) == engine.open_run(run)
    assert (
        run == engine.open_run("vgg16", runs_dir=folder) == engine.open_run(name, runs_dir=folder)
    )
    assert (run.path, run.run_id, run.status) == (folder / name, name, "completed")
    assert (run.test_accuracy, run.val_accuracy) == (0.75, 0.74)
    assert (run.train_seconds, run.wall_seconds) == (12.25, 17.25)
    assert (run.spec.model, run.summary.depth) == ("VGG16", 50)
    assert repr(run) == (
        f"<Run {name}: VGG16 on cifar10, completed, test accuracy 0.7500, trained 12.2 s>"
    )


def test_what_a_run_does_not_have_is_none(write_run: WriteRun, tmp_path: Path) -> None:
    name = write_run("VGG16", status="interrupted")
    run = engine.open_run(tmp_path / "runs" / name)
    figures = (run.test_accuracy, run.val_accuracy, run.train_seconds, run.wall_seconds)
    assert figures == (None, None, None, None)
    assert repr(run) == f"<Run {name}: VGG16 on cifar10, interrupted>"
    assert (tuple(run.curves.columns), len(run.curves)) == (METRICS, 0)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("nothing", r"^.*: expected the id of a run, .*, found 'nothing'"),
        ("", r"^run: expected a value, found nothing"),
        (5, r"^run: expected a run, its id or its path, found 5$"),
        (Path("not/there"), r"^not/there: spec.json: expected a file, found none$"),
    ],
)
def test_a_run_that_is_not_there_is_one_line(run: str, words: str, tmp_path: Path) -> None:
    for function in (engine.open_run, engine.load, engine.resume):
        with pytest.raises(InputError, match=words) as raised:
            function(run, runs_dir=tmp_path)
        assert "\n" not in str(raised.value)


def test_the_ranking_is_a_table_best_first(write_run: WriteRun, tmp_path: Path) -> None:
    names = [write_run("VGG16", test=0.5), write_run("CustomCNN", test=0.7)]
    table = engine.rank(os.fspath(tmp_path / "runs"))
    assert table["run_id"].tolist() == names[::-1]
    assert {name: str(kind) for name, kind in table.dtypes.items()} == KINDS


def test_a_folder_without_runs_is_an_empty_table(tmp_path: Path) -> None:
    assert isinstance(engine.rank(tmp_path / "none"), pandas.DataFrame)
    assert len(engine.rank(tmp_path)) == 0
    assert [*tmp_path.iterdir()] == []


def test_a_file_is_no_folder_of_runs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^runs_dir: expected a folder of runs, found the file "):
        engine.rank(tmp_path / "file")


def test_a_run_that_cannot_be_read_is_a_warning(write_run: WriteRun, tmp_path: Path) -> None:
    name = write_run("VGG16", test=0.5)
    RunDirectory(tmp_path / "runs" / name).spec.write_text("{")
    with pytest.warns(
        UserWarning, match=f"^left out {name}: spec.json: expected readable"
    ) as warned:
        assert len(engine.rank(tmp_path / "runs")) == 0
    assert warned[0].filename == __file__
