"""The image files below a folder, by class, told by their names alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError
from engine.formatting import printable

_STILL = """
    .apng .avif .avifs .bmp .dcx .dds .dib .fit .fits .gif .icns .ico .j2c .j2k .jfif .jp2 .jpc .jpe
    .jpeg .jpf .jpg .jpx .mpo .pbm .pcx .pfm .pgm .png .pnm .ppm .psd .qoi .ras .sgi .tga .tif .tiff
    .webp
"""
SUFFIXES = frozenset(_STILL.split())
"""Still images that Pillow reads by itself: no video, no PostScript, which another program runs."""
MIN_CLASSES, MAX_CLASSES = 2, 1_000
MAX_FILES = 2_000_000
NAMED = 3
"""Of several folders or endings, that are named."""
EXPECTED = "a folder for each class, with its images in it, or train/ and test/ of such folders"


@dataclass(frozen=True, slots=True)
class ClassFiles:
    """What lies in the folders of classes below one folder."""

    images: dict[str, list[Path]]
    """By class, each sorted."""
    others: int
    """Files of other kinds beside the images."""
    empty: tuple[str, ...]
    """Folders without any file."""


def find_classes(path: Path) -> ClassFiles:
    """The images of each folder directly below `path`, those of deeper folders with them.

    Raises:
        InputError: too many folders or files, or a folder with files of which none is an image.
        OSError: a folder cannot be read; names it.
    """
    found = folders(path)
    if len(found) > MAX_CLASSES:
        raise InputError(
            f"{path}: expected {MIN_CLASSES} to {MAX_CLASSES:,} classes, found {len(found):,} "
            f"folders; expected was {EXPECTED}"
        )
    classes: dict[str, list[Path]] = {}
    empty = []
    others = seen = 0
    for folder in found:
        images, rest = [], Counter[str]()
        for file in _files(folder):
            seen += 1
            _check_count(path, seen)
            if is_image(file):
                images.append(file)
            else:
                rest[file.suffix.lower()] += 1
        if images:
            classes[folder.name] = images
        elif rest:
            raise _no_image(folder, rest)
        else:
            empty.append(folder.name)
        others += rest.total()
    return ClassFiles(classes, others, tuple(empty))


def folders(path: Path) -> list[Path]:
    """Those directly below `path`, sorted; hidden ones are left out."""
    with os.scandir(path) as entries:
        found = [Path(e.path) for e in entries if not e.name.startswith(".") and e.is_dir()]
    return sorted(found)


def is_image(file: Path) -> bool:
    """Whether a file is an image by its name."""
    return file.suffix.lower() in SUFFIXES


def holds_image(folder: Path) -> bool:
    """Whether there is an image in a folder or below it."""
    return any(map(is_image, _files(folder)))


def holds_classes(folder: Path) -> bool:
    """Whether a folder below this one has an image in it."""
    return any(map(holds_image, folders(folder)))


def loose_images(folder: Path) -> int:
    """How many images lie directly in a folder."""
    with os.scandir(folder) as entries:
        files = [Path(e.name) for e in entries if not e.name.startswith(".") and e.is_file()]
    return sum(map(is_image, files))


def named(names: list[str]) -> str:
    """A few names, and how many more there are."""
    shown = ", ".join(map(printable, names[:NAMED]))
    more = len(names) - NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for root, below, names in os.walk(folder, onerror=refuse):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


def _check_count(path: Path, seen: int) -> None:
    if seen > MAX_FILES:
        raise InputError(
            f"{path}: expected at most {MAX_FILES:,} files, found more; name the folder "
            "of the images themselves"
        )


def _no_image(folder: Path, rest: Counter[str]) -> InputError:
    endings = named([ending or "no ending" for ending, _ in rest.most_common()])
    return InputError(
        f"{folder}: expected images, found {rest.total():,} files that are none ({endings}); "
        "convert them to .jpg or .png, or move the folder elsewhere"
    )
