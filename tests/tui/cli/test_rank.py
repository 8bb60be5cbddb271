"""`cifar-tui rank`: filters, orders and groups what it prints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.common.text import cell_width
from tui.__main__ import main

WriteRun = Callable[..., str]


@pytest.fixture(autouse=True)
def runs_dir(write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four runs, one with the seconds and images that its figures were measured on."""
    monkeypatch.setenv("CIFAR_TUI_RUNS", str(tmp_path / "runs"))
    write_run("VGG16", test=0.80, train_seconds=300, seed=0)
    write_run("VGG16", test=0.84, train_seconds=310, seed=1)
    write_run("CustomCNN", test=0.70, train_seconds=60, image_size=32)
    path = (
        tmp_path / "runs" / write_run("MobileNetV2", test=0.90, train_seconds=200) / "summary.json"
    )
    known = {"test_images": 10_000, "curve": [[50.0, 0.81], [100.0, 0.86]]}
    path.write_text(json.dumps(json.loads(path.read_text()) | known))
    write_run("ResNet50V2", status="failed")
    return tmp_path / "runs"


def ranked(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The models that `rank` prints with these options, from top to bottom."""
    assert main(["rank", "--json", *words]) == 0
    return [row["model"] for row in json.loads(capsys.readouterr().out)]


def test_a_filter_leaves_the_rest_out_and_marks_the_best_of_what_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ranked(["--filter", "model:vgg"], capsys) == ["VGG16", "VGG16"]
    assert ranked(["--filter", "acc>0.75 train<=300"], capsys) == ["MobileNetV2", "VGG16"]
    assert main(["rank", "--filter", "vgg16"]) == 0
    assert "★ most accurate: VGG16, 0.8400" in capsys.readouterr().out
    assert main(["rank", "--filter", "nothing"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "cifar-tui: none of 5 runs matches the filter\n")


def test_the_reason_of_a_failed_run_names_options_by_their_flags(
    write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("VGG19", status="failed", error="expected a GPU, found none; choose `device` cpu")
    assert main(["rank", "--json", "--filter", "vgg19"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["error"] == "expected a GPU, found none; choose --device cpu"


def test_any_column_sorts(capsys: pytest.CaptureFixture[str]) -> None:
    by_time = ["ResNet50V2", "CustomCNN", "MobileNetV2", "VGG16", "VGG16"]
    assert ranked(["--sort", "train_seconds"], capsys) == by_time
    assert ranked(["--sort", "-train_seconds"], capsys) == by_time[::-1]


def test_a_wide_table_has_the_interval_the_time_to_an_accuracy_and_what_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["rank"]) == 0
    titles, first, *rest = capsys.readouterr().out.splitlines()
    assert all(title in titles for title in ("± 95 %", "to 0.85", "differs"))
    # Half of Wilson's interval of 0.9 over 10,000 images.
    assert "±0.0059" in first
    assert " 1:40 " in first
    assert [line for line in rest if line.endswith("32 px")] == [rest[2]]


def test_the_time_to_accuracies_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["rank", "--time-to", "0.8,0.86"]) == 0
    titles, first, *_ = capsys.readouterr().out.splitlines()
    assert titles.endswith("to 0.80  to 0.86")
    assert first.split()[-2:] == ["0:50", "1:40"]
    assert main(["rank", "--time-to", "0.8,0.85,0.8"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("to 0.80  to 0.85")
    assert main(["rank", "--time-to", "0.86", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert (rows[0]["to_86"], rows[1]["to_86"]) == ("100.0", "")
    assert json.loads(rows[0]["curve"]) == [[50.0, 0.81], [100.0, 0.86]]


def test_models_are_grouped_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "--by-model"]) == 0
    titles, *lines = capsys.readouterr().out.splitlines()
    assert " ".join(titles.split()) == "model data runs best acc mean acc std mean train"
    assert lines[1].split() == ["VGG16", "cifar10", "2", "0.8400", "0.8200", "0.0283", "5:05"]
    assert lines[3].split() == ["ResNet50V2", "cifar10", "0", "–", "–", "–", "–"]
    models = ["MobileNetV2", "VGG16", "CustomCNN", "ResNet50V2"]
    assert ranked(["--by-model"], capsys) == models
    assert main(["rank", "--by-model", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["model"] for row in rows] == models
    assert main(["rank", "--by-model", "--markdown"]) == 0
    assert "| VGG16 | cifar10 | 2 | 0.8400 |" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--by-model"]])
def test_in_ascii_each_mark_has_one_of_its_width(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rank", *words]) == 0
    shown = capsys.readouterr().out.splitlines()
    monkeypatch.setenv("CIFAR_TUI_ASCII", "1")
    assert main(["rank", *words]) == 0
    text = capsys.readouterr().out
    assert text.isascii()
    assert list(map(len, text.splitlines())) == list(map(cell_width, shown))
    assert words or "* most accurate: MobileNetV2" in text
    assert words or "++ fastest: CustomCNN" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--filter", "colour:red"], "--filter: expected one of model, dataset"),
        (["--filter", "acc>x"], "--filter: expected a number like"),
        (["--filter", ""], "--filter: expected a value"),
        (["--sort", "colour"], "--sort: expected a column"),
        (["--time-to", "80"], "--time-to: expected shares above 0, at most 1, found 80"),
        (["--time-to", "nan"], "--time-to: expected shares above 0"),
        (["--time-to", "x"], "--time-to: expected numbers like"),
        (["--time-to", "-1"], "--time-to: expected shares above 0"),
    ],
)
def test_what_it_cannot_do_is_said_in_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rank", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert len(printed.err.splitlines()) == 1
