"""The ranking as text, in each form."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.common.text import cell_width
from engine.ranking.row import KINDS
from engine.ranking.table import RankingTable, rank_runs
from engine.report.table import legend, table_text, to_csv, to_json, to_markdown
from engine.runs.listing import RunListing, list_runs

WriteRun = Callable[..., str]


@pytest.fixture
def table(write_run: WriteRun, tmp_path: Path) -> RankingTable:
    """Six runs of all sorts."""
    write_run("EfficientNetLite0", test=0.9183, train_seconds=441)
    write_run("CustomCNN", test=0.7310, train_seconds=64, weights="none")
    write_run("ResNet50V2", test=0.9162, train_seconds=3_862, validation="test")
    write_run("MobileNetV2", test=0.4433, train_seconds=310, weights="none")
    write_run("VGG16", status="failed", error="no weights | found\x1b[31m nothing")
    write_run("DenseNet121", status="interrupted")
    return rank_runs(list_runs(tmp_path / "runs"))


def test_json_is_an_array_of_plain_objects(table: RankingTable) -> None:
    rows = json.loads(to_json(table))
    assert [row["model"] for row in rows][:2] == ["EfficientNetLite0", "ResNet50V2"]
    assert set(rows[0]) == set(KINDS)
    assert (rows[0]["parameters"], rows[0]["seed"], rows[0]["ranked"]) == (3_383_834, 0, True)
    assert rows[0]["stages"] == ["head 2 ep", "last 30 layers 1 ep"]
    assert (rows[0]["validation"], rows[1]["validation"]) == (0.1, "test")
    interrupted = next(row for row in rows if row["status"] == "interrupted")
    assert interrupted["test_accuracy"] is None
    assert interrupted["parameters"] is None


def test_csv_has_a_line_a_run_and_empty_fields(table: RankingTable) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert len(rows) == 6
    assert rows[0]["test_accuracy"] == "0.9183"
    assert rows[0]["parameters"] == "3383834"
    assert rows[0]["stages"] == "head 2 ep; last 30 layers 1 ep"
    assert [row["test_accuracy"] for row in rows if row["status"] == "failed"] == [""]


def test_markdown_lines_have_as_many_cells_as_the_header(table: RankingTable) -> None:
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    assert len(lines) == 8
    assert len({line.count("|") for line in lines}) == 1
    assert "★ | EfficientNetLite0 | 0.9183" in lines[2]


@pytest.mark.parametrize("form", [to_json, to_csv, to_markdown, lambda f: table_text(f, 80)])
def test_an_empty_ranking_has_each_form(form: Callable[[RankingTable], str]) -> None:
    text = form(rank_runs(RunListing()))
    assert text.endswith("\n")
    assert json.loads(text) == [] if form is to_json else "model" in text


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 200])
def test_the_table_is_as_wide_as_the_terminal_at_most(table: RankingTable, width: int) -> None:
    lines = table_text(table, width).splitlines()[:7]
    assert max(cell_width(line) for line in lines) <= width
    assert all(model in "\n".join(lines) for model in ("EfficientNet", "CustomCNN", "VGG16"))


def test_at_80_columns_accuracy_times_and_status_are_there(
    table: RankingTable, write_run: WriteRun
) -> None:
    header, first, second, *_ = table_text(table, 80).splitlines()
    assert header.split() == ["model", "test", "acc", "train", "wall", "status"]
    expected = ["1", "★", "EfficientNetLite0", "0.9183", "7:21", "7:26", "completed"]
    assert first.split() == expected
    assert second.split()[2:] == ["0.9162", "1:04:22", "1:04:27", "completed"]


def test_a_validation_on_the_test_split_is_marked_where_it_shows(table: RankingTable) -> None:
    narrow, wide = table_text(table, 80), table_text(table, 120)
    assert "0.9062† " in wide
    assert "† validated on the test split" in wide
    assert "†" not in narrow


def test_a_test_with_mirror_images_is_marked(
    table: RankingTable, write_run: WriteRun, tmp_path: Path
) -> None:
    assert "‡" not in table_text(table, 80)
    write_run(test=0.8765, test_time_flip=True)
    text = table_text(rank_runs(list_runs(tmp_path / "runs")), 80)
    assert "0.8765‡" in text
    assert "0.9183 " in text
    assert "‡ tested with mirror images, too" in text


def test_a_validation_accuracy_so_far_is_marked_where_it_shows(
    write_run: WriteRun, tmp_path: Path
) -> None:
    run_id = write_run(status="interrupted", validation="test")
    metrics = "epoch,val_accuracy\n0,0.4567\n"
    (tmp_path / "runs" / run_id / "metrics.csv").write_text(metrics)
    table = rank_runs(list_runs(tmp_path / "runs"))
    assert "~0.4567†" in table_text(table, 120)
    assert "~ so far: the run can still train" in table_text(table, 120)
    assert "~" not in table_text(table, 40)


def test_columns_line_up(table: RankingTable) -> None:
    lines = table_text(table, 120).splitlines()[:7]
    places = {
        cell_width(line[: line.index(name)])
        for line, name in zip(lines[1:], table.column("model"), strict=True)
    }
    assert places == {cell_width(lines[0][: lines[0].index("model")])}


def test_random_weights_are_labelled_but_not_where_there_are_no_others(table: RankingTable) -> None:
    text = table_text(table, 200)
    assert "MobileNetV2 (random weights)" in text
    assert "CustomCNN (random" not in text


def test_the_legend_names_the_best_and_the_fastest(table: RankingTable) -> None:
    assert legend(table) == [
        "★ most accurate: EfficientNetLite0, 0.9183",
        "⚡ fastest: CustomCNN, trained in 1:04",
        "† validated on the test split",
    ]


def test_the_data_set_shows_where_there_is_more_than_one(
    table: RankingTable, write_run: WriteRun, tmp_path: Path
) -> None:
    assert "data" not in table_text(table, 200).splitlines()[0].split()
    write_run(test=0.99, dataset="digits")
    mixed = rank_runs(list_runs(tmp_path / "runs"))
    assert "data" in table_text(mixed, 200).splitlines()[0].split()


def test_control_characters_of_a_record_never_reach_the_terminal(
    write_run: WriteRun, tmp_path: Path
) -> None:
    write_run("Evil\x1b[2J", recipe="a\nb")
    text = table_text(rank_runs(list_runs(tmp_path / "runs")), 200)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2
