"""`cifar-tui export`: what it prints and refuses; the formats are tested with the engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tui.__main__ import main

WriteRun = Callable[..., str]


@pytest.fixture
def run_id(write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished run with its predictions."""
    monkeypatch.setenv("CIFAR_TUI_RUNS", str(tmp_path / "runs"))
    found = write_run("CustomCNN", test=0.5, dataset="digits", image_size=8)
    path = tmp_path / "runs" / found
    shares = np.full((4, 2), 0.5, np.float32)
    np.savez(path / "predictions.npz", labels=np.array([0, 1, 0, 1]), probabilities=shares)
    (path / "metrics.csv").write_text("epoch,accuracy\n0,0.5\n")
    return found


def test_the_size_and_the_check_are_printed(
    run_id: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "figures"
    assert main(["export", run_id, "--format", "csv", "--output", str(to)]) == 0
    size = sum(path.stat().st_size for path in to.iterdir())
    assert capfd.readouterr().out == (
        f"csv: {to}, {size} B\n"
        "check: the largest difference of a probability is 0.0e+00, against the run's predictions, "
        "rounded to six decimals\n"
    )


def test_what_is_there_is_replaced_only_by_force(
    run_id: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["export", run_id, "--format", "csv", "--output", str(tmp_path / "figures")]
    assert main(words) == 0
    assert main(words) == 2
    assert "or give --force to replace it" in capfd.readouterr().err
    assert main([*words, "--force"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "tflite", "--output", "x"], "--format: expected"),
        (["--format", "keras"], "--output"),
        (
            ["--format", "keras", "--output", "net.keras"],
            "expected a finished run with its model.keras",
        ),
    ],
)
def test_bad_input_is_one_line(
    run_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)
    assert main(["export", run_id, *words]) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1
