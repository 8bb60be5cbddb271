"""`cifar-tui report`: what it prints, writes and refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tui.__main__ import main

WriteRun = Callable[..., str]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def runs(write_run: WriteRun, tmp_path: Path) -> list[str]:
    """The option that names a folder with two tested runs."""
    write_run("EfficientNetLite0", test=0.9183, train_seconds=441)
    write_run("CustomCNN", test=0.7310, train_seconds=64, weights="none", image_size=32)
    return ["--runs-dir", str(tmp_path / "runs")]


def test_markdown_goes_to_standard_output(runs: list[str], capsys: Capture) -> None:
    assert main(["report", *runs]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("# Transfer learning compared on CIFAR-10\n")
    assert "EfficientNetLite0 achieved the highest test accuracy, 0.9183" in printed.out
    assert printed.err == ""


def test_a_page_is_written_whole(runs: list[str], capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("an older one")
    assert main(["report", *runs, "--html", "--output", str(out)]) == 0
    assert capsys.readouterr().out == f"report: {out}\n"
    assert out.read_text().startswith("<!doctype html>")
    assert out.read_text().endswith("</html>\n")
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "runs"}


def test_a_folder_without_runs_is_a_report_that_says_so(tmp_path: Path, capsys: Capture) -> None:
    assert main(["report", "--runs-dir", str(tmp_path / "none")]) == 0
    assert "No run has been tested yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("out", "words"),
    [(".", "which is not one"), ("none/report.md", "in an existing folder")],
)
def test_a_place_that_cannot_be_written_is_rejected(
    runs: list[str], tmp_path: Path, capsys: Capture, out: str, words: str
) -> None:
    assert main(["report", *runs, "--output", str(tmp_path / out)]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_file_in_the_place_of_the_runs_is_rejected(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "runs").write_text("")
    assert main(["report", "--runs-dir", str(tmp_path / "runs")]) == 2
    assert "found the file" in capsys.readouterr().err
