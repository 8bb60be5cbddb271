"""Walk the folders of classes by names alone, each folder once, following links to folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.common.text import printable
from engine.errors import InputError

_STILL = """
    .apng .avif .avifs .bmp .dcx .dds .dib .fit .fits .gif .icns .ico .j2c .j2k .jfif .jp2 .jpc .jpe
    .jpeg .jpf .jpg .jpx .mpo .pbm .pcx .pfm .pgm .png .pnm .ppm .psd .qoi .ras .sgi .tga .tif .tiff
    .webp
"""
SUFFIXES = frozenset(_STILL.split())
"""Still images that Pillow reads by itself: no video, no PostScript, which needs a program."""
_SYSTEM = """
    @eadir, @recycle, @recently-snapshot, @tmp, #recycle, #snapshot, __macosx, $recycle.bin,
    recycler, system volume information, lost+found, network trash folder, temporary items
"""
SYSTEM = frozenset(map(str.strip, _SYSTEM.split(",")))
"""Folders, in lower case, that a file server, an archiver or a system makes: copies, trash."""
MAX_FILES = 2_000_000

Kind = Literal["file", "folder", "link", "system", "broken"]
"""`link` leads to a folder, `broken` is a dangling link."""


@dataclass(slots=True)
class Contents:
    """The content of the folder of a class and below it."""

    images: list[Path] = field(default_factory=list)
    """Images: a folder's before those of the folders in it, each sorted; those of links last."""
    folders: dict[str, int] = field(default_factory=dict)
    """Images directly in each folder, by its path inside the class; the class itself is empty."""
    others: Counter[str] = field(default_factory=Counter)
    """Files of other kinds, by their endings in lower case."""


def list_entries(folder: Path) -> list[tuple[Path, Kind]]:
    """Return the entries directly in a folder, by name, without hidden ones.

    Raises:
        OSError: it cannot be read; names it.
    """
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry) for entry in entries if not entry.name.startswith("."))
    return [(Path(entry.path), _kind(entry)) for _, entry in found]


def folders(folder: Path) -> list[Path]:
    """Return the folders directly in a folder, by name, without hidden ones and a system's own."""
    return [path for path, kind in list_entries(folder) if kind in ("folder", "link")]


def is_image(file: Path) -> bool:
    """Return whether a file is an image by its name."""
    return file.suffix.lower() in SUFFIXES


def holds_image(folder: Path) -> bool:
    """Return whether there is an image in a folder or below it."""
    seen = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        if (identity := _identity(current)) in seen:
            continue
        seen.add(identity)
        for path, kind in list_entries(current):
            if kind == "file" and is_image(path):
                return True
            if kind in ("folder", "link"):
                waiting.append(path)
    return False


class FolderWalk:
    """Reads the folders of the classes of a data set, so that no image is counted twice."""

    def __init__(self, root: Path, parts: Sequence[Path]) -> None:
        """Find the folders of the classes.

        Args:
            root: of the data set; names are relative to it.
            parts: the folders in which those of the classes lie.

        Raises:
            InputError: two classes are one folder.
            OSError: a folder cannot be read; names it.
        """
        self._root = root
        self._seen = 0
        self._followed = 0
        self._known = {_identity(path): path for part in parts for path in _and_above(part)}
        self._links: list[tuple[Path, Path]] = []
        self._left: list[str] = []
        self._broken: list[str] = []
        self._system: list[Path] = []
        self.classes = {part: list(self._own(part)) for part in parts}
        """By part."""

    def read(self) -> dict[Path, Contents]:
        """Return what each folder of a class holds.

        Real folders come first, so that a link never replaces its target.

        Raises:
            InputError: too many files.
            OSError: a folder cannot be read; names it.
        """
        found = {top: Contents() for tops in self.classes.values() for top in tops}
        for top, contents in found.items():
            self._read(top, top, contents)
        for link, top in self._links:  # which grows in the loop
            if self._enter(link):
                self._followed += 1
                self._read(link, top, found[top])
        return found

    def notes(self) -> Iterator[str]:
        """Yield a line where links were followed."""
        if self._followed:
            yield f"linked folders followed: {self._followed:,}"

    def warnings(self) -> Iterator[str]:
        """Yield a line for each kind of entry that was ignored."""
        if self._left:
            yield (
                "folders left alone that lead up, or to images counted already: "
                f"{', '.join(self._left)}"
            )
        if self._broken:
            yield f"links that lead nowhere: {', '.join(self._broken)}"
        names = Counter(path.name for path in self._system if _may_hold_image(path))
        if names:
            each = (f"{printable(name)} ({count:,})" for name, count in sorted(names.items()))
            yield f"images in a system's own folders left alone: {', '.join(each)}"

    def _own(self, part: Path) -> Iterator[Path]:
        for path, kind in list_entries(part):
            if kind in ("system", "broken"):
                self._leave(path, kind)
            elif kind != "file":
                known = self._known.setdefault(_identity(path), path)
                if known == path:
                    yield path
                elif known in (part, *part.resolve().parents, part.resolve()):
                    self._left.append(self._to(path, known))
                else:
                    raise InputError(
                        f"{path}: expected a folder of its own for each class, found that it is "
                        f"{self._named(known)} by another name; take one of the two away"
                    )

    def _read(self, start: Path, top: Path, contents: Contents) -> None:
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            if folder != start and not self._enter(folder):
                continue
            below = []
            images = others = 0
            for path, kind in list_entries(folder):
                if kind == "folder":
                    below.append(path)
                elif kind == "link":
                    self._links.append((path, top))
                elif kind != "file":
                    self._leave(path, kind)
                elif is_image(path):
                    images += 1
                    contents.images.append(path)
                else:
                    others += 1
                    contents.others[path.suffix.lower()] += 1
            if images:
                contents.folders[str(folder)[len(str(top)) :].strip(os.sep)] = images
            self._count(images + others)
            waiting += reversed(below)

    def _enter(self, folder: Path) -> bool:
        """Return whether a folder is met for the first time."""
        known = self._known.setdefault(_identity(folder), folder)
        if known != folder:
            self._left.append(self._to(folder, known))
        return known == folder

    def _leave(self, path: Path, kind: Kind) -> None:
        if kind == "system":
            self._system.append(path)
        else:
            self._broken.append(self._named(path))

    def _count(self, files: int) -> None:
        self._seen += files
        if self._seen > MAX_FILES:
            raise InputError(
                f"{self._root}: expected at most {MAX_FILES:,} files, found more; name the folder "
                "of the images themselves"
            )

    def _to(self, path: Path, known: Path) -> str:
        return f"{self._named(path)} to {self._named(known)}"

    def _named(self, path: Path) -> str:
        inside = path.is_relative_to(self._root) and path != self._root
        return printable(str(path.relative_to(self._root) if inside else path))


def _kind(entry: os.DirEntry[str]) -> Kind:
    if not entry.is_symlink():
        if not entry.is_dir():
            return "file"
        return "system" if entry.name.lower() in SYSTEM else "folder"
    try:
        if entry.is_dir():
            return "system" if entry.name.lower() in SYSTEM else "link"
        leads = entry.is_file() or os.path.exists(entry.path)
    except OSError:  # a link to itself
        leads = False
    # a missing image is read like any other, and reported by its name
    return "file" if leads or is_image(Path(entry.name)) else "broken"


def _identity(folder: Path) -> tuple[int, int] | str:
    status = os.stat(folder)
    # some network and FAT drives do not number files
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)


def _and_above(part: Path) -> Iterator[Path]:
    real = part.resolve()
    yield from (part, *real.parents)


def _may_hold_image(folder: Path) -> bool:
    try:
        return holds_image(folder)
    except OSError:  # lost+found is the superuser's
        return False
