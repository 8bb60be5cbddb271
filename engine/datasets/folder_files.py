"""The image files below a folder, by class, from their names alone."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.common.text import one_line_name, printable
from engine.datasets.folder_walk import (
    Contents,
    FolderWalk,
    folders,
    holds_image,
    is_image,
    list_entries,
)
from engine.errors import InputError

MIN_CLASSES, MAX_CLASSES = 2, 1_000
NAMED = 3
"""How many of several folders or endings are named."""
EXPECTED = "a folder for each class, with its images in it, or train/ and test/ of such folders"


@dataclass(slots=True)
class ClassFiles:
    """The content of the folders of classes below one folder."""

    path: Path
    tops: dict[str, Path] = field(default_factory=dict)
    """The folder of each class; the class has its name in NFC and on one line, however the folder
    writes it."""
    images: dict[str, list[Path]] = field(default_factory=dict)
    """By class; see `Contents`."""
    folders: dict[str, dict[str, int]] = field(default_factory=dict)
    """By class, see `Contents`."""
    others: Counter[str] = field(default_factory=Counter)
    """Files of other kinds beside the images, by their endings in lower case."""
    foreign: dict[str, Counter[str]] = field(default_factory=dict)
    """Endings of the files in folders without an image."""
    empty: list[str] = field(default_factory=list)
    """Folders without any file."""
    merged: list[str] = field(default_factory=list)
    """Classes of two folders, whose names differ only in their Unicode form."""

    def add(self, top: Path, contents: Contents) -> None:
        """Add the folder of a class.

        Raises:
            InputError: another folder makes a class of the same name.
        """
        if not contents.images:
            if contents.others:
                self.foreign[top.name] = contents.others
            else:
                self.empty.append(top.name)
            return
        self.others += contents.others
        name = one_line_name(unicodedata.normalize("NFC", top.name))
        if name in self.images:
            self._merge(name, top)
        self.tops.setdefault(name, top)
        self.images.setdefault(name, []).extend(contents.images)
        counts = self.folders.setdefault(name, {})
        for inside, images in contents.folders.items():
            counts[inside] = counts.get(inside, 0) + images

    def _merge(self, name: str, top: Path) -> None:
        other = self.tops[name]
        if unicodedata.normalize("NFC", other.name) != unicodedata.normalize("NFC", top.name):
            raise InputError(
                f"{self.path}: expected one folder for the class {name!r}, found two, one of which "
                "has a name that cannot be shown as it is; rename it"
            )
        self.merged.append(name)


def find_classes(root: Path, parts: Sequence[Path]) -> tuple[list[ClassFiles], FolderWalk]:
    """Return the images of each folder directly below `parts`, including deeper folders.

    Args:
        root: of the data set.
        parts: the folders in which those of the classes lie.

    Returns:
        What each part holds; and the walk, which lists what was ignored.

    Raises:
        InputError: too many folders or files, or two classes that are one folder.
        OSError: a folder cannot be read; names it.
    """
    walk = FolderWalk(root, parts)
    for part, tops in walk.classes.items():
        if len(tops) > MAX_CLASSES:
            raise InputError(
                f"{part}: expected {MIN_CLASSES} to {MAX_CLASSES:,} classes, found {len(tops):,} "
                f"folders; expected was {EXPECTED}"
            )
    found = walk.read()
    parted = []
    for part, tops in walk.classes.items():
        files = ClassFiles(part)
        for top in tops:
            files.add(top, found[top])
        parted.append(files)
    return parted, walk


def check_foreign(found: ClassFiles) -> None:
    """Reject a folder that holds files of which none is an image.

    Raises:
        InputError: names the first one.
    """
    for name, endings in found.foreign.items():
        shown = named(endings_of(endings))
        raise InputError(
            f"{found.path / name}: expected images, found {endings.total():,} files that are none "
            f"({shown}); convert them to .jpg or .png, or move the folder elsewhere"
        )


def holds_classes(folder: Path) -> bool:
    """Return whether a folder below this one has an image in it."""
    return any(map(holds_image, folders(folder)))


def loose_images(folder: Path) -> int:
    """Return how many images lie directly in a folder."""
    return sum(kind == "file" and is_image(path) for path, kind in list_entries(folder))


def endings_of(files: Counter[str]) -> list[str]:
    """Return the number of files of each ending, the most first."""
    return [f"{count:,} {ending or 'without ending'}" for ending, count in files.most_common()]


def named(names: list[str]) -> str:
    """Return a few names, and how many more there are."""
    shown = ", ".join(map(printable, names[:NAMED]))
    more = len(names) - NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown
