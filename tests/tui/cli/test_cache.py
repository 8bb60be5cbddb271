"""`cifar-tui cache`: what it lists and removes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.common.text import byte_size
from engine.features.file_format import Layout
from engine.features.store import FeatureStore
from tui.__main__ import main

VECTOR = [Layout((100,), "float32")]
ABOUT: dict[str, str | int] = {
    "model": "EfficientNetLite0",
    "frontier": "block6a_add",
    "image_size": 96,
    "images": 50,
    "split": "train",
    "view": "as is",
    "precision": "float32",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty cache."""
    monkeypatch.setenv("CIFAR_TUI_CACHE", str(tmp_path))
    return tmp_path / "features"


def keep(cache: Path, key: str, about: dict[str, str | int]) -> None:
    """Write an entry of 20 KB."""
    with FeatureStore(cache.parent, 1 << 30).writing(key, VECTOR, 50, about) as writer:
        writer.write([np.zeros((50, 100), np.float32)])
        writer.finish()


def test_an_empty_cache_is_listed_and_cleared(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"0 entries, 0 B\nfolder: {cache}\n"
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out == f"removed 0 entries, 0 B, from {cache}\n"
    assert not cache.exists()


def test_the_list_has_a_line_an_entry_and_the_total(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(cache, "a", ABOUT)
    keep(cache, "b", {"model": "VGG16\x1b[2J"})
    FeatureStore(cache.parent, 0).find("a", VECTOR, 50)
    size = sum(path.stat().st_size for path in cache.iterdir())
    assert main(["cache", "list"]) == 0
    titles, first, second, total, folder = capsys.readouterr().out.splitlines()
    assert "EfficientNetLite0  block6a_add  96      50  train  as is  float32    " in first
    assert titles.index("last used") == first.index("20", first.index(" KB"))
    assert second.startswith("VGG16?[2J          -  ")
    assert len(first) == len(second)
    assert total == f"2 entries, {byte_size(size)}"
    assert folder == f"folder: {cache}"


def test_the_list_as_json(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(cache, "a", ABOUT)
    assert main(["cache", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (entry,) = printed["entries"]
    assert entry["about"] == ABOUT
    assert (entry["key"], entry["rows"]) == ("a", 50)
    assert printed["bytes"] == entry["bytes"] == (cache / "a.features").stat().st_size
    assert printed["folder"] == str(cache)


def test_clear_says_what_it_removed(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(cache, "a", ABOUT)
    size = (cache / "a.features").stat().st_size
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out == f"removed 1 entry, {byte_size(size)}, from {cache}\n"
    assert list(cache.iterdir()) == []
    keep(cache, "b", ABOUT)
    assert main(["cache", "clear", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["entries_removed"], printed["folder"]) == (1, str(cache))
    assert printed["bytes_removed"] > 20_000


@pytest.mark.parametrize("words", [[], ["clear"]])
def test_a_folder_that_cannot_be_used_is_said_in_one_line(
    cache: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cache.write_text("a file")
    assert main(["cache", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"cifar-tui: expected a path that can be used, found {cache}: Not a directory\n"
    )


def test_an_unknown_word_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "drop"]) == 2
    line = capsys.readouterr().err
    assert "'drop'" in line
    assert "clear" in line
