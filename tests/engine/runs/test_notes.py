"""Notes about runs: kept, bounded, and harmless whatever lies in their place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.runs.directory import RunDirectory
from engine.runs.listing import list_runs
from engine.runs.notes import MAX_NOTE_LENGTH, MAX_TAGS, Notes, read_notes, write_notes


def test_a_run_that_nobody_wrote_about_has_none(directory: RunDirectory) -> None:
    assert read_notes(directory) == Notes(False, (), "")


def test_they_are_kept_in_one_line_and_each_tag_once(directory: RunDirectory) -> None:
    write_notes(directory, Notes(True, (" a  b ", "c", "c", ""), "two\nlines → é "))
    assert read_notes(directory) == Notes(True, ("a b", "c"), "two lines → é")
    write_notes(directory, Notes())
    assert read_notes(directory) == Notes()
    assert sorted(os.listdir(directory.path)) == ["notes.json", "spec.json"]
    assert len(list_runs(directory.path.parent).runs) == 1


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        (Notes(tags=("x" * 41,)), "at most 40 characters, found 41"),
        (Notes(tags=tuple(map(str, range(MAX_TAGS + 1)))), "at most 20 tags, found 21"),
        (Notes(note="x" * (MAX_NOTE_LENGTH + 1)), "at most 2000 characters"),
        (Notes(note="\x1b[2J"), "that can be shown"),
        (Notes(tags=("\ud800",)), "that can be shown"),
    ],
)
def test_what_could_not_be_shown_is_refused(
    directory: RunDirectory, notes: Notes, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        write_notes(directory, notes)
    assert not directory.notes.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 50_000,
        '{"format": 2}',
        '{"format": 1, "tags": [3]}',
        '{"format": 1, "note": "\\ud800"}',
        '{"format": 1, "note": "' + "x" * 70_000 + '"}',
    ],
)
def test_what_is_not_ours_counts_as_none_and_is_not_written_over(
    directory: RunDirectory, text: str
) -> None:
    directory.notes.write_text(text)
    assert read_notes(directory) == Notes()
    with pytest.raises(InputError, match=r"move .*notes\.json away to write notes"):
        write_notes(directory, Notes(True))
    assert directory.notes.read_text() == text


def test_hostile_notes_are_shown_harmlessly_and_in_bounds(directory: RunDirectory) -> None:
    plain = {"format": 1, "tags": ["\x1b[2J" * 20] * 100, "note": "\x1b]0;x\x07" + "n" * 9_999}
    directory.notes.write_text(json.dumps(plain))
    notes = read_notes(directory)
    assert all(text.isprintable() for text in (*notes.tags, notes.note))
    assert (len(notes.tags), len(notes.tags[0]), len(notes.note)) == (20, 40, 2_000)


def test_a_pipe_or_a_folder_in_their_place_hangs_nothing(directory: RunDirectory) -> None:
    os.mkfifo(directory.notes)
    assert read_notes(directory) == Notes()
    directory.notes.unlink()
    directory.notes.mkdir()
    assert read_notes(directory) == Notes()
    with pytest.raises(InputError):
        write_notes(directory, Notes(True))


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    gone = RunDirectory(tmp_path / "gone")
    with pytest.raises(InputError, match="expected a folder that can be written"):
        write_notes(gone, Notes(True))
