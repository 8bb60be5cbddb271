"""`cifar-tui resume` as it is called, after a process was killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tui.__main__ import main

EPOCHS = 40
TRAIN = ["train", "CustomCNN", "--dataset", "digits", "--train-limit", "100"]
TRAIN += ["--epochs", str(EPOCHS), "--plain", "--runs-dir"]


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tui", *TRAIN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 240
        while not list(tmp_path.glob("*/checkpoints/last.npz")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    (run,) = tmp_path.iterdir()
    assert not (run / "summary.json").exists()
    resumed = subprocess.run(
        [sys.executable, "-m", "tui", "resume", "--plain", "--runs-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "resumed after epoch" in resumed.stdout
    assert json.loads((run / "summary.json").read_text())["status"] == "completed"
    assert len((run / "metrics.csv").read_text().splitlines()) == 1 + EPOCHS
    assert list(tmp_path.iterdir()) == [run]


def test_nothing_to_resume_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ([], ["nowhere"]):
        assert main(["resume", *name, "--runs-dir", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert said.startswith("cifar-tui: expected")
        assert said.count("\n") == 1
