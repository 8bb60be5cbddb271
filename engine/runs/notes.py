"""What the user notes about a run: a pin, tags and a note, beside its record."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.common.atomic import written_whole
from engine.common.codec import from_plain, to_plain
from engine.common.regular_file import read_regular
from engine.common.text import printable
from engine.errors import InputError
from engine.runs.directory import RunDirectory

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
        raise InputError(f"{error}; move {directory.notes} away to write notes") from error
    try:
        text = json.dumps(to_plain(clean), indent=1, ensure_ascii=False)
        with written_whole(directory.notes) as aside:
            aside.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"expected a folder that can be written, found {directory.path} ({error.strerror})"
        ) from error


def _read(directory: RunDirectory) -> Notes:
    """Read the notes as `read_notes` does, but raise what is wrong.

    Raises:
        FileNotFoundError: there are none.
        InputError: they cannot be read.
    """
    name = directory.notes.name
    try:
        plain = json.loads(read_regular(directory.notes, MAX_FILE_BYTES))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{name} cannot be read ({type(error).__name__})") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise InputError(f"expected an object of format {FORMAT} in {name}, found another")
    notes: Notes = from_plain(Notes, plain, name)
    tags = tuple(printable(tag)[:MAX_TAG_LENGTH] for tag in notes.tags[:MAX_TAGS])
    return Notes(notes.pinned, tags, printable(notes.note)[:MAX_NOTE_LENGTH])


def _normal(notes: Notes) -> Notes:
    """Return the notes with single spaces, each tag once and no empty one."""
    tags = dict.fromkeys(" ".join(tag.split()) for tag in notes.tags)
    return Notes(notes.pinned, tuple(filter(None, tags)), " ".join(notes.note.split()))


def _check(notes: Notes) -> None:
    if len(notes.tags) > MAX_TAGS:
        raise InputError(f"expected at most {MAX_TAGS} tags, found {len(notes.tags)}")
    for what, texts, most in (
        ("tag", notes.tags, MAX_TAG_LENGTH),
        ("note", (notes.note,), MAX_NOTE_LENGTH),
    ):
        for text in texts:
            if len(text) > most:
                raise InputError(
                    f"expected a {what} of at most {most} characters, found {len(text)}"
                )
            if not text.isprintable():
                raise InputError(f"expected a {what} that can be shown, found {text[:40]!r}")
