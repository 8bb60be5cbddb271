"""Which files of a folder a run was tested on and which it left out: its `images.json`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import InputError
from engine.runs.directory import RunDirectory, read_json

MAX_BYTES = 1 << 30
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The image files of a folder, as far as a run names them."""

    test: tuple[str, ...] = ()
    """Path of each test image within the folder, in the order of the predictions."""
    left_out: tuple[str, ...] = ()
    """Files that could not be read, one line each, which begins with the path."""
    format: int = FORMAT


def tested_files(directory: RunDirectory, images: int) -> tuple[str, ...]:
    """Return the file of each test image; empty where a run names none, or another number of them.

    Args:
        directory: of the run.
        images: how many the run was tested on.
    """
    try:
        files: ImageFiles = read_json(ImageFiles, directory.images, MAX_BYTES)
    except (FileNotFoundError, InputError):
        return ()  # a known data set, or a run recorded before this file existed
    return files.test if len(files.test) == images else ()
