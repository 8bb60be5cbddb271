"""`cifar-tui fetch`: what it prints, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.download.mirror import MIRROR_VARIABLE
from tui.__main__ import main

BUILT_IN = ["fetch", "EfficientNetLite0", "customcnn", "--dataset", "digits"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it; what `--mirror` sets is undone."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(MIRROR_VARIABLE, "")
    return tmp_path


@pytest.fixture
def empty_mirror(tmp_path: Path) -> str:
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"format": 1, "files": []}')
    return str(folder)


def test_what_is_built_in_has_not_to_be_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(BUILT_IN) == 0
    assert capsys.readouterr().out.splitlines() == [
        "EfficientNetLite0  bundled",
        "CustomCNN  from scratch",
        "digits  built in",
    ]
    assert main([*BUILT_IN, "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [file["state"] for file in files] == ["bundled", "from scratch", "built in"]


def test_what_cannot_be_had_is_named_and_the_rest_is_done(
    empty_mirror: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["fetch", "VGG16", "CustomCNN", "--dataset", "cifar100", "--mirror", empty_mirror]
    assert main(asked) == 1
    said = capsys.readouterr()
    assert said.out == "CustomCNN  from scratch\n"
    vgg, data = said.err.splitlines()
    assert vgg.startswith("cifar-tui: VGG16: expected its ImageNet weights, found none here")
    assert data.startswith("cifar-tui: cifar100: --mirror ")
    assert "expected datasets/cifar-100-binary.tar.gz, found it not listed" in data


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ([], "expected MODEL or --dataset"),
        (["VGG61"], "did you mean VGG19?"),
        (["--dataset", "mnist"], "found 'mnist'"),
        (["VGG16", "--mirror", "nowhere"], "expected a folder with manifest.json"),
    ],
)
def test_bad_input_is_one_line(
    asked: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", *asked]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1
