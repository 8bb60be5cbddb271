"""Which files of a folder a run was tested on and which it left out: its `images.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.common.codec import from_plain
from engine.common.regular_file import read_regular
from engine.errors import InputError
from engine.runs.directory import RunDirectory

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
        plain = json.loads(read_regular(directory.images, MAX_BYTES))
        files: ImageFiles = from_plain(ImageFiles, plain, directory.images.name)
    except (OSError, ValueError, RecursionError, InputError):
        return ()  # a known data set, or a run recorded before this file existed
    return files.test if len(files.test) == images else ()
