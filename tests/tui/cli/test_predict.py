"""`cifar-tui predict`: its text, its JSON, and images that cannot be read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tui.__main__ import main
from tui.cli.predict import _bars
from tui.terminal import capabilities
from tui.terminal.ascii_marks import VARIABLE

WriteRun = Callable[..., str]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run_id(write_run: WriteRun, classifier_file: Path, tmp_path: Path) -> str:
    """A finished run with its model, in the folder that commands look in."""
    found = write_run("CustomCNN", test=0.5, dataset="digits", image_size=8)
    shutil.copy(classifier_file, tmp_path / "runs" / found / "model.keras")
    return found


@pytest.fixture(autouse=True)
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find the runs of the test, and no colours."""
    monkeypatch.setenv("CIFAR_TUI_RUNS", str(tmp_path / "runs"))
    for name in ("FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def image(tmp_path: Path) -> str:
    """A picture of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    return str(tmp_path / "noise.png")


def test_five_classes_with_bars(run_id: str, image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", run_id, image]) == 0
    title, *lines = capfd.readouterr().out.splitlines()
    assert title.startswith(f"{image}: class ")
    assert len(lines) == 5
    shares = [float(line.split("%")[0].split()[-1]) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert "█" in lines[0]


def test_the_image_is_drawn_where_there_are_colours(
    run_id: str, image: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert main(["predict", run_id, image]) == 0
    out = capfd.readouterr().out
    assert out.count("▀") == 8 * 4
    assert "\x1b[38;2;" in out


def test_json_has_an_object_for_each_image(
    run_id: str, image: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.png")
    assert main(["predict", run_id, missing, image, "--json"]) == 1
    printed = capfd.readouterr()
    bad, good = json.loads(printed.out)
    assert bad["image"] == missing
    assert "expected an image, found no such file" in bad["error"]
    assert good["image"] == image
    assert len(good["classes"]) == 5
    assert sum(entry["probability"] for entry in good["classes"]) <= 1.0001
    assert json.loads(printed.err)["error"]["message"] == bad["error"]


def test_a_bar_without_eighths_of_a_cell_is_of_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_current", None)
    monkeypatch.setenv(VARIABLE, "1")
    assert _bars((("cat", 0.97), ("dog", 0.03))) == [
        "cat   97.0%  #######################",
        "dog    3.0%  #",
    ]


def test_the_other_images_are_answered_where_one_cannot_be_read(
    run_id: str, image: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_text("no image")
    assert main(["predict", run_id, str(tmp_path / "bad.png"), image]) == 1
    printed = capfd.readouterr()
    assert printed.out.startswith(f"{image}: class ")
    assert printed.err.count("\n") == 1


def test_a_run_without_a_model_is_one_line(
    write_run: WriteRun, image: str, capsys: Capture
) -> None:
    run_id = write_run("CustomCNN", status="interrupted")
    assert main(["predict", run_id, image]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"cifar-tui: {run_id}: expected a finished run with its model.keras")
    assert err.count("\n") == 1


def test_a_run_that_is_not_there_is_one_line(image: str, capsys: Capture) -> None:
    assert main(["predict", "nothing", image]) == 2
    assert "found 'nothing'" in capsys.readouterr().err
