"""What the user notes about a run: a pin, tags and a note, beside its record."""

from __future__ import annotations

from dataclasses import dataclass

from engine.common.regular_file import reason_of
from engine.common.text import printable
from engine.errors import InputError
from engine.runs.directory import RunDirectory, read_json, write_json

FORMAT = 1
MAX_FILE_BYTES = 64 * 2**10
MAX_TAGS = 20
MAX_TAG_LENGTH = 40
MAX_NOTE_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class Notes:
    """What `notes.json` holds; a run without notes has no such file."""

    pinned: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""
    """One line."""
    format: int = FORMAT


def read_notes(directory: RunDirectory) -> Notes:
    """Return the notes of a run, in characters that can be shown; empty if none can be read."""
    try:
        return _read(directory)
    except (FileNotFoundError, InputError):
        return Notes()


def write_notes(directory: RunDirectory, notes: Notes) -> None:
    """Keep notes beside a run's record, whole or not at all.

    Raises:
        InputError: a tag or the note is too long or cannot be shown, the folder cannot be
            written, or the notes there were not written by this program.
    """
    clean = _normal(notes)
    _check(clean)
    try:
        _read(directory)  # what a newer program keeps there must not be lost
    except FileNotFoundError:
        pass
    except InputError as error:
        hint = f"move {directory.notes} away to write notes"
        raise InputError("", error.expected, error.found, hint, error.place) from error
    try:
        write_json(directory.notes, clean)
    except OSError as error:
        found = reason_of(error)
        raise InputError(directory.path, "a folder that can be written", found) from error


def _read(directory: RunDirectory) -> Notes:
    """Read the notes as `read_notes` does, but raise what is wrong.

    Raises:
        FileNotFoundError: there are none.
        InputError: they cannot be read.
    """
    notes: Notes = read_json(Notes, directory.notes, MAX_FILE_BYTES, FORMAT)
    tags = tuple(printable(tag)[:MAX_TAG_LENGTH] for tag in notes.tags[:MAX_TAGS])
    return Notes(notes.pinned, tags, printable(notes.note)[:MAX_NOTE_LENGTH])


def _normal(notes: Notes) -> Notes:
    """Return the notes with single spaces, each tag once and no empty one."""
    tags = dict.fromkeys(" ".join(tag.split()) for tag in notes.tags)
    return Notes(notes.pinned, tuple(filter(None, tags)), " ".join(notes.note.split()))


def _check(notes: Notes) -> None:
    if len(notes.tags) > MAX_TAGS:
        raise InputError("", f"at most {MAX_TAGS} tags", str(len(notes.tags)))
    for what, texts, most in (
        ("tag", notes.tags, MAX_TAG_LENGTH),
        ("note", (notes.note,), MAX_NOTE_LENGTH),
    ):
        for text in texts:
            if len(text) > most:
                raise InputError("", f"a {what} of at most {most} characters", str(len(text)))
            if not text.isprintable():
                raise InputError("", f"a {what} that can be shown", f"{text[:40]!r}")
