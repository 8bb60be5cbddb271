"""Commands as lines that another process appends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine.common.lines
from engine.common.codec import to_plain
from engine.protocol.commands import Pause, Resume, SetTrainable
from engine.runs.commands_file import CommandFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be."""
    return tmp_path / "commands.jsonl"


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_file_that_is_not_there_says_nothing(path: Path) -> None:
    assert CommandFile(path).read().commands == ()


def test_whole_lines_are_read_once_and_in_order(path: Path) -> None:
    file = CommandFile(path)
    toggle = SetTrainable(layers=("conv", "dense"), value=False, when="now")
    append(path, json.dumps(to_plain(toggle)) + "\n\n" + '{"command": "Pause", "id": "p"}\n')
    assert file.read().commands == (toggle, Pause(id="p"))
    assert file.read().commands == ()


def test_half_a_line_waits_for_its_end(path: Path) -> None:
    file = CommandFile(path)
    append(path, '{"command": "Pause", "id": "p"}\n{"command": "Res')
    assert file.read().commands == (Pause(id="p"),)
    append(path, 'ume", "id": "r"}\n')
    assert file.read().commands == (Resume(id="r"),)


def test_it_begins_where_an_earlier_process_ended(path: Path) -> None:
    append(path, '{"command": "Pause", "id": "p"}\n')
    first = CommandFile(path)
    first.read()
    append(path, '{"command": "Resume", "id": "r"}\n')
    assert CommandFile(path, first.offset).read().commands == (Resume(id="r"),)


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"command": "Explode"}', '{"command": "Stop", "when": "soon"}']
)
def test_a_line_that_is_no_command_is_told_and_passed_over(path: Path, line: str) -> None:
    append(path, line + '\n{"command": "Pause", "id": "p"}\n')
    arrived = CommandFile(path).read()
    assert arrived.commands == (Pause(id="p"),)
    (problem,) = arrived.problems
    assert problem.startswith("commands.jsonl: ")
    assert "expected" in problem


def test_a_line_beyond_all_measure_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.common.lines, "MAX_LINE_BYTES", 100)
    append(path, "x" * 250 + '\n{"command": "Pause", "id": "p"}\n')
    file = CommandFile(path)
    found = [file.read() for _ in range(4)]
    assert [command for arrived in found for command in arrived.commands] == [Pause(id="p")]
    assert not any(arrived.problems for arrived in found)
