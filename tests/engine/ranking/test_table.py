"""The ranking: its order by hand-made figures, its columns, its answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.errors import InputError
from engine.ranking.index import ranking_rows
from engine.ranking.row import KINDS, is_so_far, seconds_to, wilson_interval
from engine.ranking.table import (
    add_targets,
    best,
    fastest,
    group_by_model,
    rank_rows,
    rank_runs,
    sort_ranking,
)
from engine.runs.directory import RunDirectory
from engine.runs.listing import RunListing, list_runs
from engine.runs.notes import Notes, write_notes

WriteRun = Callable[..., str]


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Where `write_run` writes."""
    return tmp_path / "runs"


def measured(runs_dir: Path, run_id: str, **figures: Any) -> None:
    """Put figures into the summary of a run."""
    path = runs_dir / run_id / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | figures))


def models(runs_dir: Path) -> list[str]:
    return rank_runs(list_runs(runs_dir)).column("model")


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
    table = rank_runs(list_runs(runs_dir))
    assert (best(table), fastest(table)) == (good, quick)


def test_one_row_says_what_was_asked_and_what_came_out(write_run: WriteRun, runs_dir: Path) -> None:
    run_id = write_run(
        test=0.9183, train_seconds=441.5, validation="test", seed=3, weights="none", batch_size=32
    )
    (row,) = rank_runs(list_runs(runs_dir)).rows
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
        "stages": ["head 2 ep", "last 30 layers 1 ep"],
        "timeline": "head 2 ep → last 30 layers 1 ep",
        "curve": [],
        "pinned": False,
        "tags": [],
        "note": "",
        "error": "",
    }
    assert {key: row[key] for key in expected} == expected
    assert row["val_accuracy"] == pytest.approx(0.9083)


def test_a_run_without_a_summary_has_no_figures_rather_than_zeros(
    write_run: WriteRun, runs_dir: Path
) -> None:
    write_run(status="interrupted")
    (row,) = rank_runs(list_runs(runs_dir)).rows
    empty = ["test_accuracy", "train_seconds", "wall_seconds", "parameters", "images_per_second"]
    assert {row[key] for key in empty} == {None}
    assert (row["status"], row["ranked"]) == ("interrupted", False)


HEAD = "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss\r\n"
EPOCHS = "".join(f"{n},0.5,0.001,1.5,{value},1.4\r\n" for n, value in enumerate((0.4, 0.6, 0.5)))


@pytest.mark.parametrize(
    ("metrics", "keep", "reached"),
    [
        (HEAD + EPOCHS, "last", 0.5),
        (HEAD + EPOCHS, "best", 0.6),
        (HEAD + EPOCHS + "3,0.5,0.001,1.5,0.9", "last", 0.5),  # its last line is being written
        (HEAD + EPOCHS + "3,0.5,0.001,1.5,nan,nan\r\n4,x\r\n\r\n", "last", 0.5),
        (HEAD + EPOCHS + "3,0.5,0.001,1.5,9,0\r\n\0\0", "best", 0.6),
        (HEAD + EPOCHS + "3,0.5,0.001,1.5,٠.٩,0\r\n", "best", 0.6),  # digits of another script
        (HEAD, "last", None),
        ("", "last", None),
        ("a line\nof another\n", "last", None),
    ],
)
def test_a_run_that_is_not_over_has_the_validation_accuracy_it_reached_so_far(
    metrics: str, keep: str, reached: float | None, write_run: WriteRun, runs_dir: Path
) -> None:
    run_id = write_run(status="interrupted", keep=keep)
    (runs_dir / run_id / "metrics.csv").write_text(metrics)
    (row,) = rank_runs(list_runs(runs_dir)).rows
    assert row["val_accuracy"] == reached
    assert is_so_far(row)


def test_of_runs_that_are_over_only_the_summary_is_read(
    write_run: WriteRun, runs_dir: Path
) -> None:
    run_id = write_run(test=0.5)
    (runs_dir / run_id / "metrics.csv").write_text(HEAD + EPOCHS)
    (row,) = rank_runs(list_runs(runs_dir)).rows
    assert row["val_accuracy"] == pytest.approx(0.49)
    assert not is_so_far(row)


def test_a_validation_accuracy_so_far_never_ranks_a_run_above_one_that_is_over(
    write_run: WriteRun, runs_dir: Path
) -> None:
    write_run("CustomCNN", test=0.4)
    going_on = write_run("VGG16", status="interrupted")
    (runs_dir / going_on / "metrics.csv").write_text(HEAD + EPOCHS)
    write_run("MobileNetV2", test=0.6)
    table = rank_runs(list_runs(runs_dir))
    assert table.column("model")[-1] == "VGG16"
    for order in ("val_accuracy", "-val_accuracy"):
        assert sort_ranking(table, order).column("model")[-1] == "VGG16"


@pytest.mark.parametrize(
    ("share", "images", "low", "high"),
    [
        # Worked out by hand from Wilson's formula, to four places.
        (0.5, 100, 0.4038, 0.5962),
        (0.9183, 10_000, 0.9128, 0.9235),
        (1.0, 10, 0.7225, 1.0),
        (0.0, 10, 0.0, 0.2775),
    ],
)
def test_the_interval_of_an_accuracy_is_wilson_s(
    share: float, images: int, low: float, high: float
) -> None:
    assert wilson_interval(share, images) == pytest.approx((low, high), abs=5e-5)


def test_seconds_to_an_accuracy_are_those_of_the_first_epoch_s_end_that_has_it() -> None:
    curve: list[list[float | None]] = [
        [10.0, 0.7],
        [20.0, None],
        [30.0, 0.85],
        [40.0, 0.8],
        [50.0, 0.9],
    ]
    assert seconds_to(curve, 0.85) == 30.0
    assert seconds_to(curve, 0.86) == 50.0
    assert seconds_to(curve, 0.95) is None
    assert seconds_to([], 0.1) is None


def test_what_a_summary_tells_of_time_memory_and_images(
    write_run: WriteRun, runs_dir: Path
) -> None:
    run_id = write_run(test=0.9)
    measured(
        runs_dir,
        run_id,
        test_images=10_000,
        peak_memory_bytes=2 * 10**9,
        curve=[[10.0, 0.7], [21.0, 0.81], [33.0, None]],
        phase_seconds={"loading": 4.0, "training": 31.5},
    )
    (row,) = rank_runs(list_runs(runs_dir)).rows
    assert (row["test_images"], row["peak_memory_bytes"]) == (10_000, 2 * 10**9)
    assert (row["accuracy_low"], row["accuracy_high"]) == wilson_interval(0.9, 10_000)
    assert row["curve"] == [[10.0, 0.7], [21.0, 0.81], [33.0, None]]
    assert row["to_80"] == 21.0
    assert row["to_85"] is None
    assert (row["loading_seconds"], row["training_seconds"]) == (4.0, 31.5)
    assert (row["paused_seconds"], row["testing_seconds"]) == (0.0, 0.0)


def test_a_summary_of_before_has_no_curve_interval_or_phases(
    write_run: WriteRun, runs_dir: Path
) -> None:
    path = runs_dir / write_run(test=0.9) / "summary.json"
    old = json.loads(path.read_text())
    for key in ("curve", "peak_memory_bytes", "test_images"):
        del old[key]
    path.write_text(json.dumps(old))
    (row,) = rank_runs(list_runs(runs_dir)).rows
    new = ["accuracy_low", "test_images", "to_80", "peak_memory_bytes", "training_seconds"]
    assert {row[key] for key in new} == {None}
    assert (row["test_accuracy"], row["curve"]) == (0.9, [])


@pytest.mark.parametrize(
    "figures",
    [
        {"curve": [[1.0]]},
        {"curve": [[1.0, 0.5, 0.5]]},
        {"curve": [[None, 0.5]]},
        {"curve": [[-1.0, 0.5]]},
        {"curve": [[1e300, 0.5]]},
        {"curve": [[1.0, 1.5]]},
        {"curve": [[1.0, 0.5]] * 1_001},
        {"curve": 3},
        {"test_images": -1},
        {"peak_memory_bytes": 10**30},
    ],
)
def test_figures_that_no_run_has_are_refused(
    write_run: WriteRun, runs_dir: Path, figures: dict[str, Any]
) -> None:
    measured(runs_dir, write_run(test=0.5), **figures)
    listing = list_runs(runs_dir)
    assert (len(listing.runs), len(listing.broken)) == (0, 1)


def test_runs_with_other_data_or_image_size_than_the_best_are_marked(
    write_run: WriteRun, runs_dir: Path
) -> None:
    expected = {
        write_run(test=0.9): "",
        write_run(test=0.8): "",
        write_run(test=0.7, image_size=64): "64 px",
        write_run(test=0.6, dataset="digits", image_size=32): "digits, 32 px",
        write_run(test=0.5, train_limit=5_000): "5,000 training images",
        write_run(status="failed", dataset="digits"): "digits",
    }
    table = rank_runs(list_runs(runs_dir))
    assert {row["run_id"]: row["differs"] for row in table.rows} == expected
    again = rank_rows(row for row in table.rows if (row["test_accuracy"] or 1) < 0.65)
    assert set(again.column("differs")) == {"", "cifar10, 96 px"}  # the best is another one


def test_where_nothing_is_ranked_nothing_differs(write_run: WriteRun, runs_dir: Path) -> None:
    write_run(status="failed", dataset="digits")
    write_run(status="failed")
    assert rank_runs(list_runs(runs_dir)).column("differs") == ["", ""]


def test_notes_are_in_the_row(write_run: WriteRun, runs_dir: Path) -> None:
    run_id = write_run(test=0.9)
    write_notes(RunDirectory(runs_dir / run_id), Notes(True, ("first", "cpu"), "a good one"))
    (row,) = ranking_rows(runs_dir).rows
    assert (row["pinned"], row["tags"], row["note"]) == (True, ["first", "cpu"], "a good one")


def test_models_are_grouped_over_their_ranked_runs(write_run: WriteRun, runs_dir: Path) -> None:
    for seed, (test, seconds) in enumerate([(0.80, 100), (0.84, 110), (0.82, 120)]):
        write_run("VGG16", test=test, train_seconds=seconds, seed=seed)
    write_run("VGG16", status="failed", train_seconds=9_999)
    write_run("CustomCNN", test=0.9, train_seconds=5)
    write_run("ResNet50V2", status="failed")
    best_one, vgg, resnet = group_by_model(rank_runs(list_runs(runs_dir))).rows
    assert (best_one["model"], best_one["runs"], best_one["best_accuracy"]) == ("CustomCNN", 1, 0.9)
    assert best_one["std_accuracy"] is None
    assert (vgg["model"], vgg["runs"], vgg["best_accuracy"]) == ("VGG16", 3, 0.84)
    assert (vgg["mean_accuracy"], vgg["std_accuracy"]) == pytest.approx((0.82, 0.02))
    assert vgg["mean_train_seconds"] == 110
    assert (resnet["model"], resnet["runs"]) == ("ResNet50V2", 0)
    assert resnet["mean_accuracy"] is None


def test_sorting_by_any_column_puts_what_is_not_known_last(
    write_run: WriteRun, runs_dir: Path
) -> None:
    write_run("VGG16", test=0.7, train_seconds=30)
    write_run("densenet121", status="interrupted")
    write_run("CustomCNN", test=0.9, train_seconds=20)
    table = rank_runs(list_runs(runs_dir))
    by_name = ["CustomCNN", "densenet121", "VGG16"]
    assert sort_ranking(table, "model").column("model") == by_name
    assert sort_ranking(table, "-model").column("model") == by_name[::-1]
    by_time = ["CustomCNN", "VGG16", "densenet121"]
    assert sort_ranking(table, "train_seconds").column("model") == by_time
    assert sort_ranking(table, "test_accuracy").column("model") == by_time
    by_accuracy = ["VGG16", "CustomCNN", "densenet121"]
    assert sort_ranking(table, "-test_accuracy").column("model") == by_accuracy
    for key in set(KINDS) - {"curve"}:
        assert len(sort_ranking(table, key).rows) == 3
    for key in ("nothing", "", "-", "curve"):
        with pytest.raises(InputError, match=r"^sort: expected a column"):
            sort_ranking(table, key)
    # The marks go by the figures, not by the order.
    assert best(sort_ranking(table, "-test_accuracy")) == best(table)


def test_other_targets_take_the_place_of_the_usual_ones(
    write_run: WriteRun, runs_dir: Path
) -> None:
    measured(runs_dir, write_run(test=0.9), curve=[[10.0, 0.7], [20.0, 0.926]])
    table = add_targets(rank_runs(list_runs(runs_dir)), (0.7, 0.925))
    (row,) = table.rows
    assert (row["to_70"], row["to_92.5"]) == (10.0, 20.0)
    assert tuple(row) == table.keys
    assert "to_85" not in table.keys
    assert table.keys.index("to_70") == list(KINDS).index("to_80")


def test_whole_numbers_stay_exact(write_run: WriteRun, runs_dir: Path) -> None:
    measured(runs_dir, write_run(test=0.5), flops=2**53 + 1)
    write_run(status="interrupted")
    assert rank_runs(list_runs(runs_dir)).column("flops") == [2**53 + 1, None]
    assert engine.rank(runs_dir)["flops"][0] == 2**53 + 1


def test_no_runs_give_a_table_with_all_columns() -> None:
    table = rank_runs(RunListing())
    assert table.keys == tuple(KINDS)
    assert table.rows == []
    assert (best(table), fastest(table)) == (None, None)


def test_where_nothing_is_ranked_nothing_is_best(write_run: WriteRun, runs_dir: Path) -> None:
    write_run(status="failed")
    table = rank_runs(list_runs(runs_dir))
    assert (best(table), fastest(table)) == (None, None)


def test_importing_it_loads_neither_pandas_nor_keras() -> None:
    code = "import engine.ranking.table, sys; print({'pandas', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_model_whose_test_loss_was_no_number_is_not_ranked(write_run: Any) -> None:
    run_id = write_run(test=0.5)
    path = write_run.runs_dir / run_id / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"test_loss": None}))
    table = rank_runs(list_runs(write_run.runs_dir))
    assert table.column("ranked") == [False]
