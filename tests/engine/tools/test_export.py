"""Exports: what is written, how it is checked, and what is refused."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import InputError
from engine.protocol.facts import DataFacts, SampleRange
from engine.runs.directory import write_json
from engine.runs.image_files import ImageFiles
from engine.runs.listing import RunRecord, load_run
from engine.tools.export import export_run
from engine.tools.export_formats import FORMATS, find_format
from tests.support.run_events import record_data

WriteRun = Callable[..., str]
HAS_ONNX = all(importlib.util.find_spec(name) for name in find_format("onnx").packages)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("keras", "net.keras"),
        ("savedmodel", "net"),
        pytest.param(
            "onnx",
            "net.onnx",
            marks=pytest.mark.skipif(not HAS_ONNX, reason="cifar-tui[onnx] is not installed"),
        ),
    ],
)
def test_an_exported_model_predicts_what_the_run_did(
    finished: RunRecord, tmp_path: Path, form: str, name: str
) -> None:
    done = export_run(finished, form, tmp_path / name)
    assert done.images == 256
    assert done.largest_difference < 1e-5
    assert done.against == "the run's predictions for the first 256 test images"
    files = [path for path in (tmp_path / name, *(tmp_path / name).rglob("*")) if path.is_file()]
    assert done.bytes == sum(path.stat().st_size for path in files) > 1_000
    beside = {f"{name}.json"} if find_format(form).suffix else set()
    assert {path.name for path in tmp_path.iterdir()} == {name, "runs"} | beside


@pytest.mark.parametrize(
    ("form", "name", "described"),
    [
        ("keras", "net.keras", "net.keras.json"),
        ("savedmodel", "net", "net/assets.extra/model.json"),
    ],
)
def test_an_exported_model_is_described(
    finished: RunRecord, tmp_path: Path, form: str, name: str, described: str
) -> None:
    ranges = (SampleRange("16-bit", 120.0, 3_000.0),)
    names = tuple(f"digit {i}" for i in range(10))
    record_data(finished, DataFacts(1, 1, 500, names, ranges=ranges))
    export_run(finished, form, tmp_path / name)
    found = json.loads((tmp_path / described).read_text())
    assert found["classes"] == list(names)
    assert found["ranges"] == [{"format": "16-bit", "low": 120.0, "high": 3_000.0}]
    assert found["input_shape"] == [8, 8, 3]
    assert found["run"] == finished.run_id
    export_run(finished, form, tmp_path / name, force=True)
    if form == "keras":
        (tmp_path / name).unlink()
        with pytest.raises(InputError, match="expected a name that is free"):
            export_run(finished, form, tmp_path / name)


def test_what_describes_no_export_is_not_replaced(finished: RunRecord, tmp_path: Path) -> None:
    own = tmp_path / "net.keras.json"
    own.write_text('{"mine": 1}')
    with pytest.raises(InputError, match=r"^force: expected the description of an earlier export"):
        export_run(finished, "keras", tmp_path / "net.keras", force=True)
    assert own.read_text() == '{"mine": 1}'
    own.unlink()
    own.mkdir()
    with pytest.raises(InputError, match=r"^force: "):
        export_run(finished, "keras", tmp_path / "net.keras", force=True)
    assert not (tmp_path / "net.keras").exists()


def test_csv_names_the_files_of_own_images_and_takes_any_class_name(
    finished: RunRecord, tmp_path: Path
) -> None:
    names = ("two\nlines", 'a "quote"', *(f"digit, {i}" for i in range(8)))
    record_data(finished, DataFacts(1, 1, 500, names))
    files = tuple(f"cat/{i}.png" for i in range(500))
    write_json(finished.directory.images, ImageFiles(files, ("dog/1.png: damaged",)))
    export_run(finished, "csv", tmp_path / "figures")
    with (tmp_path / "figures" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == list(files)
    assert rows[0]["truth"] == r"two\nlines"
    assert rows[2]["truth"] == "digit, 0"


def test_csv_has_the_metrics_and_a_row_for_each_test_image(
    finished: RunRecord, classifier_predictions: np.ndarray, tmp_path: Path
) -> None:
    done = export_run(finished, "csv", tmp_path / "figures")
    assert (done.images, done.against) == (500, "the run's predictions, rounded to six decimals")
    assert done.largest_difference <= 5.1e-7
    assert (tmp_path / "figures" / "metrics.csv").read_text() == "epoch,accuracy\n0,0.5\n"
    with (tmp_path / "figures" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    assert rows[3]["truth"] == "class 3"
    assert rows[3]["predicted"] == f"class {classifier_predictions[3].argmax()}"
    assert float(rows[3]["class 7"]) == pytest.approx(classifier_predictions[3, 7], abs=1e-6)


def test_without_the_data_it_is_checked_against_the_model_itself(
    finished: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_here(*_: object) -> None:
        raise InputError("", "the test images", "none")

    monkeypatch.setattr("engine.analysis.test_images.read_test_images", not_here)
    done = export_run(finished, "keras", tmp_path / "net.keras")
    assert done.against == "model.keras on 256 random images, the data not being here"
    assert done.largest_difference == 0


def test_a_model_that_predicts_something_else_is_not_exported(
    finished: RunRecord, classifier_predictions: np.ndarray, tmp_path: Path
) -> None:
    np.savez(
        finished.directory.predictions,
        labels=np.arange(500) % 10,
        probabilities=np.roll(classifier_predictions, 1, axis=1),
    )
    with pytest.raises(InputError, match="to predict the same, found a probability that differs"):
        export_run(finished, "keras", tmp_path / "net.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize("form", [row.name for row in FORMATS])
def test_an_unfinished_run_is_refused(write_run: WriteRun, tmp_path: Path, form: str) -> None:
    run = load_run(tmp_path / "runs" / write_run("CustomCNN", status="interrupted"))
    name = f"net.{form}"
    with pytest.raises(InputError, match=r"expected (a finished run|test predictions)"):
        export_run(run, form, tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.skipif(HAS_ONNX, reason="cifar-tui[onnx] is installed")
def test_onnx_without_its_packages_says_how_to_get_them(
    finished: RunRecord, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"pip install 'cifar-tui\[onnx\]'"):
        export_run(finished, "onnx", tmp_path / "net.onnx")


@pytest.mark.parametrize(("form", "name"), [("keras", "net.keras"), ("csv", "net")])
def test_what_is_there_is_replaced_only_when_forced(
    finished: RunRecord, tmp_path: Path, form: str, name: str
) -> None:
    export_run(finished, form, tmp_path / name)
    with pytest.raises(InputError, match="give `force` to replace it"):
        export_run(finished, form, tmp_path / name)
    finished.directory.metrics.write_text("epoch\n0\n")
    export_run(finished, form, tmp_path / name, force=True)
    if form == "csv":
        assert (tmp_path / name / "metrics.csv").read_text() == "epoch\n0\n"


@pytest.mark.parametrize("form", ["savedmodel", "csv"])
def test_a_folder_of_other_things_is_never_replaced(
    finished: RunRecord, tmp_path: Path, form: str
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years of it")
    (tmp_path / "work" / "saved_model.pb").touch()
    with pytest.raises(InputError, match="which holds other things"):
        export_run(finished, form, tmp_path / "work", force=True)
    (tmp_path / "net.keras").mkdir()
    with pytest.raises(InputError, match="which is not one"):
        export_run(finished, "keras", tmp_path / "net.keras", force=True)
    assert (tmp_path / "work" / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("form", "name", "words"),
    [
        ("keras", "net.h5", "ends in .keras"),
        ("onnx", "net", "ends in .onnx"),
        ("savedmodel", "none/net", "in an existing folder"),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    finished: RunRecord, tmp_path: Path, form: str, name: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        export_run(finished, form, tmp_path / name)
