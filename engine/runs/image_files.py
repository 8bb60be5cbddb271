"""Which files of a folder a run tested on and left out: `images.json` of its directory."""

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
    """Where each test image lies, from the folder on, in the order of the predictions."""
    left_out: tuple[str, ...] = ()
    """Files that could not be read, a line each that begins with the path."""
    format: int = FORMAT


def tested_files(directory: RunDirectory, images: int) -> tuple[str, ...]:
    """The file of each test image; empty where a run names none, or not as many.

    Args:
        directory: of the run.
        images: how many the run was tested on.
    """
    try:
        plain = json.loads(read_regular(directory.images, MAX_BYTES))
        files: ImageFiles = from_plain(ImageFiles, plain, directory.images.name)
    except (OSError, ValueError, RecursionError, InputError):
        return ()  # of a known data set, or recorded before there was such a file
    return files.test if len(files.test) == images else ()
