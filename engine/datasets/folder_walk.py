"""Walk the folders of classes by names alone, each folder once, following links to folders."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal

from engine.common.text import one_line_name, printable
from engine.datasets.report import listed
from engine.errors import InputError

MIN_CLASSES, MAX_CLASSES = 2, 1_000
EXPECTED = "a folder for each class, with its images in it, or train/ and test/ of such folders"

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
Place = tuple[str, ...]
"""A folder inside that of a class, by the names on its path; empty for the class itself."""


@dataclass(eq=False)
class ClassFolder:
    """The folder of a class, or of what may be one, and what is below it."""

    top: Path
    images: list[Path] = field(default_factory=list)
    """Images: a folder's before those of the folders in it, each sorted; those of links last."""
    loose: set[Place] = field(default_factory=set)
    """Folders with images directly in them."""
    others: Counter[str] = field(default_factory=Counter)
    """Files of other kinds, by their endings in lower case."""

    @cached_property
    def name(self) -> str:
        """Name of the class: in NFC and on one line, however the folder writes it."""
        return one_line_name(unicodedata.normalize("NFC", self.top.name))

    @cached_property
    def below(self) -> dict[Place, list[str]]:
        """Folders with an image in or below them, by their parent folder."""
        found: dict[Place, dict[str, None]] = {}
        for place in sorted(self.loose):
            for depth, child in enumerate(place):
                found.setdefault(place[:depth], {})[child] = None
        return {place: list(each) for place, each in found.items()}

    @cached_property
    def fork(self) -> Place:
        """The folder with the images or several folders; those above it hold only one folder."""
        place: Place = ()
        while place not in self.loose and len(self.below[place]) == 1:
            place = (*place, *self.below[place])
        return place

    @property
    def forks(self) -> list[str]:
        """The folders at the fork."""
        return self.below.get(self.fork, [])

    def path(self, place: Place) -> Path:
        """Return the path of a folder in it."""
        return self.top.joinpath(*place)

    def inside(self, place: Place) -> str:
        """Return a folder in it as text for messages."""
        return "/".join((self.name, *place))


@dataclass(slots=True)
class Part:
    """The folders of the classes of all images, or of those of one split."""

    path: Path
    classes: dict[str, ClassFolder] = field(default_factory=dict)
    """By name."""
    others: Counter[str] = field(default_factory=Counter)
    """Files of other kinds beside the images, by their endings in lower case."""
    empty: list[str] = field(default_factory=list)
    """Folders without any file."""
    foreign: dict[str, Counter[str]] = field(default_factory=dict)
    """Endings of the files in folders without an image."""
    merged: list[str] = field(default_factory=list)
    """Classes of two folders, whose names are the same in NFC and on one line."""

    def add(self, folder: ClassFolder) -> None:
        """Add the folder of a class, or of none."""
        if not folder.images:
            if folder.others:
                self.foreign[folder.top.name] = folder.others
            else:
                self.empty.append(folder.top.name)
            return
        self.others += folder.others
        known = self.classes.setdefault(folder.name, folder)
        if known is not folder:
            self.merged.append(folder.name)
            known.images += folder.images
            known.loose |= folder.loose

    def check_foreign(self) -> None:
        """Reject a folder that holds files of which none is an image.

        Raises:
            InputError: names the first one.
        """
        for name, endings in self.foreign.items():
            raise InputError(
                self.path / name,
                "images",
                f"{endings.total():,} files that are none ({listed(endings_of(endings))})",
                "convert them to .jpg or .png, or move the folder elsewhere",
            )


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


def loose_images(folder: Path) -> int:
    """Return how many images lie directly in a folder."""
    return sum(kind == "file" and is_image(path) for path, kind in list_entries(folder))


def endings_of(files: Counter[str]) -> list[str]:
    """Return the number of files of each ending, the most first."""
    return [f"{count:,} {ending or 'without ending'}" for ending, count in files.most_common()]


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
        """Read all of them; real folders come first, so that a link never replaces its target.

        Args:
            root: of the data set; names are relative to it.
            parts: the folders in which those of the classes lie.

        Raises:
            InputError: too many folders or files, or two classes that are one folder.
            OSError: a folder cannot be read; names it.
        """
        self._root = root
        self._seen = 0
        self._followed = 0
        above = ((part, *part.resolve().parents) for part in parts)
        self._known = {_identity(path): path for path in chain.from_iterable(above)}
        self._links: list[tuple[Path, ClassFolder]] = []
        self._left: list[str] = []
        self._ignored: dict[Kind, list[Path]] = {"broken": [], "system": []}
        found = {part: [ClassFolder(top) for top in self._own(part)] for part in parts}
        for folder in chain.from_iterable(found.values()):
            self._read(folder.top, folder)
        for link, folder in self._links:  # which grows in the loop
            if self._enter(link):
                self._followed += 1
                self._read(link, folder)
        self.parts = [Part(part) for part in parts]
        """What each part holds."""
        for part in self.parts:
            for folder in found[part.path]:
                part.add(folder)

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
        if broken := self._ignored["broken"]:
            yield f"links that lead nowhere: {', '.join(map(self._named, broken))}"
        names = Counter[str]()
        for path in self._ignored["system"]:
            with suppress(OSError):  # lost+found is the superuser's
                names[path.name] += holds_image(path)
        each = [f"{printable(name)} ({count:,})" for name, count in sorted(names.items()) if count]
        if each:
            yield f"images in a system's own folders left alone: {', '.join(each)}"

    def _own(self, part: Path) -> list[Path]:
        """Return the folders directly in a part."""
        found = []
        for path, kind in list_entries(part):
            if kind in self._ignored:
                self._ignored[kind].append(path)
            elif kind != "file" and self._enter(path, part):
                found.append(path)
        if len(found) > MAX_CLASSES:
            expected = f"{MIN_CLASSES} to {MAX_CLASSES:,} classes"
            raise InputError(part, expected, f"{len(found):,} folders", f"give {EXPECTED}")
        return found

    def _read(self, start: Path, into: ClassFolder) -> None:
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            if folder != start and not self._enter(folder):
                continue
            below = []
            before = len(into.images)
            for path, kind in list_entries(folder):
                if kind == "folder":
                    below.append(path)
                elif kind == "link":
                    self._links.append((path, into))
                elif kind != "file":
                    self._ignored[kind].append(path)
                elif is_image(path):
                    into.images.append(path)
                else:
                    into.others[path.suffix.lower()] += 1
                self._seen += kind == "file"
            if self._seen > MAX_FILES:
                expected, found = f"at most {MAX_FILES:,} files", f"{self._seen:,} or more"
                hint = "name the folder of the images themselves"
                raise InputError(self._root, expected, found, hint)
            if len(into.images) > before:
                into.loose.add(folder.parts[len(into.top.parts) :])
            waiting += reversed(below)

    def _enter(self, folder: Path, part: Path | None = None) -> bool:
        """Return whether a folder is met for the first time.

        Args:
            folder: to be read.
            part: where it would be that of a class, the part that it lies in.

        Raises:
            InputError: it is that of another class.
        """
        known = self._known.setdefault(_identity(folder), folder)
        if known == folder:
            return True
        if part is not None and known not in (part, part.resolve(), *part.resolve().parents):
            raise InputError(
                folder,
                "a folder of its own for each class",
                f"that it is {self._named(known)} by another name",
                "take one of the two away",
            )
        self._left.append(f"{self._named(folder)} to {self._named(known)}")
        return False

    def _named(self, path: Path) -> str:
        inside = path.is_relative_to(self._root) and path != self._root
        return printable(str(path.relative_to(self._root) if inside else path))


def _kind(entry: os.DirEntry[str]) -> Kind:
    is_link = entry.is_symlink()
    try:
        if entry.is_dir():
            is_system = entry.name.lower() in SYSTEM
            return "system" if is_system else "link" if is_link else "folder"
        leads = not is_link or os.path.exists(entry.path)
    except OSError:  # a link to itself
        leads = False
    # a missing image is read like any other, and reported by its name
    return "file" if leads or is_image(Path(entry.name)) else "broken"


def _identity(folder: Path) -> tuple[int, int] | str:
    status = os.stat(folder)
    # some network and FAT drives do not number files
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)
