"""Data sets of packages as the command takes them, and what is left where a package is gone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from engine.runs.listing import list_runs
from tests.support.packages import write_dots, write_package
from tests.support.processes import ROOT, call
from tui.__main__ import main

TRAIN = ("train", "CustomCNN", "--epochs", "1", "--plain", "--dataset")


def beside(folder: Path) -> str:
    """The path on which Python finds this program, and the packages of a folder."""
    return os.pathsep.join((str(ROOT), str(folder)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on the package of the page, which only its own process found."""
    folder = tmp_path_factory.mktemp("dots")
    packages = write_dots(folder / "packages")
    done = call(*TRAIN, "dots", "--runs-dir", str(folder / "runs"), PYTHONPATH=beside(packages))
    assert (done.returncode, done.stderr) == (0, "")
    assert "data    dots: 72 training, 8 validation, 20 test images\n" in done.stdout
    return folder / "runs"


@pytest.mark.slow("that a package's images are trained on by the command")
def test_a_run_on_a_package_is_on_record(trained: Path) -> None:
    (run,) = list_runs(trained).runs
    assert run.status == "completed"
    assert run.file.spec.dataset == "dots"
    assert run.file.origin.dataset_package == "dots-data 1.0"


@pytest.mark.slow("that ranking and predicting need no package")
def test_without_the_package_it_is_ranked_and_predicts(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "dark.png")
    place = ["--runs-dir", str(trained)]
    assert main(["rank", "--json", "--filter", "dataset:dots", *place]) == 0
    (row,) = json.loads(capfd.readouterr().out)
    assert (row["dataset"], row["ranked"]) == ("dots", True)
    assert main(["predict", "customcnn", str(tmp_path / "dark.png"), "--json", *place]) == 0
    (answer,) = json.loads(capfd.readouterr().out)
    assert {each["class"] for each in answer["classes"]} == {"one", "two"}


@pytest.mark.slow("that resuming names the package that is missing")
def test_without_the_package_it_is_not_resumed(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (run,) = list_runs(trained).runs
    copy = tmp_path / "runs" / run.run_id
    copy.mkdir(parents=True)
    for name in ("spec.json", "events.jsonl"):
        (copy / name).write_bytes((run.directory.path / name).read_bytes())
    assert main(["resume", "--plain", "--runs-dir", str(copy.parent)]) == 2
    line = capfd.readouterr().err
    assert line == (
        f"cifar-tui: {run.run_id}: expected the data set 'dots' that the run began with, found "
        "none of that name; install dots-data 1.0\n"
    )
    assert sorted(path.name for path in copy.iterdir()) == ["events.jsonl", "spec.json"]


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        ("birds_data:Birds", "the import of birds_data:Birds to work, found OSError: no net; ask"),
        ("birds_data", "expected module:Class at the entry point 'birds' of birds-data 1.2"),
    ],
)
def test_a_bad_package_is_one_line(offered: str, said: str, tmp_path: Path) -> None:
    text = "raise OSError('no net')\n"
    packages = write_package(tmp_path / "packages", {"birds": offered}, {"birds_data.py": text})
    done = call(*TRAIN, "birds", cwd=tmp_path, PYTHONPATH=beside(packages))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cifar-tui: --dataset: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["packages"]


def test_a_packages_own_command_shows_it(tmp_path: Path) -> None:
    packages = write_dots(tmp_path / "packages")
    done = call("dataset", "dots", "--json", PYTHONPATH=beside(packages))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [each["name"] for each in found["classes"]] == ["one", "two"]
    assert found["widths"] == [16, 16]
