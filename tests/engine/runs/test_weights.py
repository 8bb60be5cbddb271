"""Which weights are meant where a run is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.runs.weights import resolve_weights

WriteRun = Callable[..., str]


@pytest.fixture
def runs(write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Runs by model, all but VGG16's with an exported network; the current folder is beside."""
    monkeypatch.chdir(tmp_path)
    names = {model: write_run(model, test=0.5) for model in ("VGG16", "CustomCNN", "MobileNetV2")}
    for model in ("CustomCNN", "MobileNetV2"):
        (tmp_path / "runs" / names[model] / "model.keras").touch()
    return names


@pytest.mark.parametrize("asked", ["imagenet", "none", "", "x.h5", "folder/x.h5", "a\0b", "~no/x"])
def test_what_names_no_run_stays_as_it_is(asked: str, runs: dict[str, str], tmp_path: Path) -> None:
    assert resolve_weights(asked, tmp_path / "runs") == (asked, "")


def test_a_run_is_meant_by_its_id_a_part_of_it_or_its_folder(
    runs: dict[str, str], tmp_path: Path
) -> None:
    name = runs["CustomCNN"]
    wanted = str(tmp_path / "runs" / name / "model.keras")
    for asked in (name, "customcnn", f"runs/{name}", str(tmp_path / "runs" / name)):
        assert resolve_weights(asked, tmp_path / "runs") == (wanted, "")
        assert resolve_weights(asked, Path("runs")) == (wanted, "")


def test_only_the_whole_id_is_meant_where_that_is_asked(
    runs: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    assert resolve_weights("customcnn", folder, whole_id=True) == ("customcnn", "")
    found, _ = resolve_weights(runs["CustomCNN"], folder, whole_id=True)
    assert found == str(folder / runs["CustomCNN"] / "model.keras")


def test_a_path_counts_before_a_run_and_says_so(runs: dict[str, str], tmp_path: Path) -> None:
    name = runs["CustomCNN"]
    Path(name).touch()
    asked, note = resolve_weights(name, tmp_path / "runs")
    assert asked == name
    assert note == f"`weights`: took the file {name}, not the run of that name"


def test_what_is_not_clear_or_has_no_model_is_rejected(
    runs: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"^weights: expected one run, found"):
        resolve_weights("20", tmp_path / "runs")
    with pytest.raises(InputError, match=rf"^weights: {runs['VGG16']}: .*model.keras was removed"):
        resolve_weights("vgg16", tmp_path / "runs")


def test_a_run_that_cannot_be_read_is_named_with_its_folder(
    runs: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / runs["CustomCNN"]
    (folder / "spec.json").write_text("{")
    for asked in (folder.name, "customcnn", f"runs/{folder.name}"):
        with pytest.raises(InputError, match=rf"^weights: {folder}: spec.json: expected readable"):
            resolve_weights(asked, tmp_path / "runs")
