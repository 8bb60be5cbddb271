"""A training that begins from a run of one's own, as it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.protocol.events import LogLine
from engine.runs.listing import RunRecord, list_runs, read_events
from tui.__main__ import main

SMALL = ["train", "CustomCNN", "--dataset", "digits", "--train-limit", "200", "--epochs", "1"]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """A run of one epoch."""
    folder = tmp_path_factory.mktemp("first")
    assert main([*SMALL, "--plain", "--runs-dir", str(folder)]) == 0
    return list_runs(folder).runs[0]


def newest_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The newest run of a folder as the ranking has it."""
    capsys.readouterr()
    assert main(["rank", "--json", "--runs-dir", str(folder)]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return max(rows, key=lambda row: row["created_at"])


def test_custom_cnn_begins_from_its_own_run(
    first: RunRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(first.directory.model)
    arguments = [*SMALL, "--weights", path, "--learning-rate", "1e-6"]
    assert main([*arguments, "--plain", "--runs-dir", str(tmp_path)]) == 0
    (run,) = list_runs(tmp_path).runs
    told = [event.text for event in read_events(run.directory) if isinstance(event, LogLine)]
    assert f"CustomCNN starts from all weights of {path}, its head's too" in told
    row = newest_row(tmp_path, capsys)
    assert row["weights"] == path
    # At such a rate it stays what it began as.
    assert row["test_accuracy"] == pytest.approx(first.summary.test_accuracy, abs=0.02)
    before = newest_row(first.directory.path.parent, capsys)
    assert before["weights"] == "none"


def test_a_run_is_named_as_elsewhere_and_its_model_must_be_the_same(
    first: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = first.directory.path.parent
    options = ["--dataset", "digits", "--weights", "customcnn", "--runs-dir", str(folder)]
    assert main(["train", "MobileNetV2", *options, "--plain"]) == 2
    said = f"--weights: {first.directory.model}: expected weights of MobileNetV2, found those of a"
    assert said in capsys.readouterr().err
    assert len(list_runs(folder).runs) == 1


def test_what_is_no_run_of_it_is_rejected_before_a_run_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SMALL, "--weights", "/nope/none.h5", "--plain", "--runs-dir", str(tmp_path)]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("cifar-tui: --weights: CustomCNN: /nope/none.h5: expected")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
