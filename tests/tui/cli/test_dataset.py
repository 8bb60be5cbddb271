"""`cifar-tui dataset`: what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tui.__main__ import main


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes, and twelve files that are no images."""
    for name, count in (("cat", 1_200), ("dog", 10)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("L", (12, 9)).save(tmp_path / "pets" / name / "0.png")
        for i in range(1, count):
            (tmp_path / "pets" / name / f"{i}.png").hardlink_to(tmp_path / "pets" / name / "0.png")
    for i in range(12):
        (tmp_path / "pets" / "dog" / f"bad{i}.png").touch()
    return tmp_path / "pets"


def test_a_folder_is_printed_in_lines(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", str(pets)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"pets: {pets}"
    assert lines[1].split() == ["class", "train", "test"]
    assert lines[2].split() == ["cat", "960", "240"]
    assert lines[4].split()[:2] == ["2", "classes"]
    assert "width 12, height 9 px" in lines
    assert "to be converted to RGB: 1,210 L" in lines
    assert any(line.startswith("! uneven classes: cat has 1,200") for line in lines)
    assert "! unreadable, left out: 12" in lines
    assert sum("bad" in line for line in lines) == 10
    assert lines[-1] == "  and 2 more"


def test_json_has_it_all(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", str(pets), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"][0] == {"name": "cat", "train": 960, "test": 240}
    assert (found["widths"], found["modes"]) == ([12, 12], {"L": 1_210})
    assert len(found["unreadable"]) == 12


def test_what_is_none_is_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["dataset", str(tmp_path)]) == 2
    assert "found no folder with an image in it" in capsys.readouterr().err
    assert main(["dataset", "nope"]) == 2
    assert capsys.readouterr().err.startswith("cifar-tui: NAME|FOLDER: expected cifar10,")
