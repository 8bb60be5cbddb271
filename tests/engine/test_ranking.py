"""The ranking: its order by hand-made figures, its columns, its answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.ranking import KINDS, best, fastest, rank_runs
from engine.runs import RunListing, list_runs

WriteRun = Callable[..., str]


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Where `write_run` writes."""
    return tmp_path / "runs"


def models(runs_dir: Path) -> list[str]:
    return list(rank_runs(list_runs(runs_dir))["model"])


def test_most_accurate_first_then_the_one_that_trained_faster(
    write_run: WriteRun, runs_dir: Path
) -> None:
    write_run("CustomCNN", test=0.70, train_seconds=5)
    write_run("VGG16", test=0.90, train_seconds=300)
    write_run("ResNet50V2", test=0.90, train_seconds=200)
    write_run("MobileNetV2", test=0.95, train_seconds=400)
    assert models(runs_dir) == ["MobileNetV2", "ResNet50V2", "VGG16", "CustomCNN"]


def test_unranked_runs_come_last_newest_first(write_run: WriteRun, runs_dir: Path) -> None:
    write_run("VGG16", status="failed", error="no weights", train_seconds=1)
    write_run("CustomCNN", test=0.1)
    write_run("MobileNetV2", status="interrupted")
    write_run("ResNet50V2", status="stopped", train_seconds=2)
    assert models(runs_dir) == ["CustomCNN", "ResNet50V2", "MobileNetV2", "VGG16"]


def test_a_run_stopped_after_an_epoch_is_ranked_among_the_others(
    write_run: WriteRun, runs_dir: Path
) -> None:
    write_run("CustomCNN", test=0.7)
    write_run("VGG16", test=0.8, status="stopped")
    assert models(runs_dir) == ["VGG16", "CustomCNN"]


def test_best_and_fastest(write_run: WriteRun, runs_dir: Path) -> None:
    write_run("VGG16", status="failed", train_seconds=1)
    write_run("DenseNet121", status="stopped", test=0.6, train_seconds=2)
    quick = write_run("CustomCNN", test=0.7, train_seconds=60)
    good = write_run("ResNet50V2", test=0.9, train_seconds=600)
    frame = rank_runs(list_runs(runs_dir))
    assert (best(frame), fastest(frame)) == (good, quick)


def test_one_row_says_what_was_asked_and_what_came_out(write_run: WriteRun, runs_dir: Path) -> None:
    run_id = write_run(
        test=0.9183, train_seconds=441.5, validation="test", seed=3, weights="none", batch_size=32
    )
    (row,) = rank_runs(list_runs(runs_dir)).to_dict("records")
    expected: dict[str, Any] = {
        "run_id": run_id,
        "model": "EfficientNetLite0",
        "dataset": "cifar10",
        "status": "completed",
        "test_accuracy": 0.9183,
        "train_seconds": 441.5,
        "wall_seconds": 446.5,
        "parameters": 3_383_834,
        "trainable_parameters": 12_810,
        "depth": 50,
        "flops": 141_052_864,
        "image_size": 96,
        "epochs": 3,
        "weights": "none",
        "recipe": "notebook",
        "seed": 3,
        "ranked": True,
        "validation": "test",
        "batch_size": 32,
        "stages": ("head 2 ep", "last 30 layers 1 ep"),
        "error": "",
    }
    assert {key: row[key] for key in expected} == expected
    assert row["val_accuracy"] == pytest.approx(0.9083)


def test_a_run_without_a_summary_has_no_figures_rather_than_zeros(
    write_run: WriteRun, runs_dir: Path
) -> None:
    write_run(status="interrupted")
    row = rank_runs(list_runs(runs_dir)).iloc[0]
    empty = ["test_accuracy", "train_seconds", "wall_seconds", "parameters", "images_per_second"]
    assert row[empty].isna().all()
    assert (row["status"], row["ranked"]) == ("interrupted", False)


def test_no_runs_give_a_table_with_all_columns() -> None:
    frame = rank_runs(RunListing())
    assert list(frame.columns) == list(KINDS)
    assert len(frame) == 0
    assert (best(frame), fastest(frame)) == (None, None)


def test_where_nothing_is_ranked_nothing_is_best(write_run: WriteRun, runs_dir: Path) -> None:
    write_run(status="failed")
    frame = rank_runs(list_runs(runs_dir))
    assert (best(frame), fastest(frame)) == (None, None)


def test_importing_it_loads_neither_pandas_nor_keras() -> None:
    code = (
        "import engine.ranking, engine.report, sys; print({'pandas', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
