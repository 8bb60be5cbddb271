"""Recognize folders that are not classes, by their names and what is where in them.

Reads nothing from the disk: all is derived from what a walk has listed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from engine.common.text import printable
from engine.datasets.folder_files import ClassFiles, named
from engine.datasets.folder_names import (
    ANNOTATIONS,
    ASIDE,
    alike,
    are_numbered,
    portion_of,
    says,
    says_images,
    split_of,
    words_of,
)
from engine.errors import InputError

Place = tuple[str, ...]
"""A folder inside that of a class, by the names on its path; empty for the class itself."""


_MASK_FILE = re.compile(r"[ _-](?:masks?|gt|seg|segmentation|labels?|trimap)(?:_?\d+)?$", re.I)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that may be a class."""

    name: str
    top: Path
    below: dict[Place, list[str]]
    """Folders with an image in or below them, by their parent folder."""
    loose: frozenset[Place]
    """Folders with images directly in them."""
    fork: Place
    """The folder with the images or several folders; those above it hold only one folder."""

    @property
    def forks(self) -> list[str]:
        """The folders at the fork."""
        return self.below.get(self.fork, [])

    @property
    def is_loose(self) -> bool:
        """Whether images lie directly at the fork."""
        return self.fork in self.loose

    def path(self, place: Place) -> Path:
        """Return the path of a folder in it."""
        return self.top.joinpath(*place)

    def inside(self, place: Place) -> str:
        """Return a folder in it as text for messages."""
        return "/".join((self.name, *place))


def reject_wrapper(found: ClassFiles, root: Path) -> None:
    """Reject a folder that holds only one folder, which holds the data set.

    Args:
        found: in the folder.
        root: of the data set.

    Raises:
        InputError: names the folder to give instead.
    """
    (folder,) = _read(found)
    if len(folder.forks) < 2:
        return
    inner = folder.path(folder.fork)
    instead = f"give {inner}" if found.path == root else f"move them up into {found.path}"
    raise InputError(
        f"{found.path}: expected a folder for each class, found images in one folder only, "
        f"{folder.name}/, with the folders {named(folder.forks)} in it; {instead}"
    )


def check_class_folders(found: ClassFiles) -> list[str]:
    """Reject folders that are not classes, as far as that can be recognized.

    Args:
        found: what would be the classes of one folder.

    Returns:
        A line for each thing that looks wrong but may be right.

    Raises:
        InputError: names the folders, and what to give or do instead.
    """
    folders = _read(found)
    _reject_splits(found.path, [folder.name for folder in folders])
    _reject_annotations(found, folders)
    _reject_mask_classes(found.path, [folder.name for folder in folders])
    warnings = list(_copies(found.path, folders))
    _reject_masks(found.path, folders)
    _reject_split_classes(found.path, folders)
    warnings += _shared(found.path, folders)
    if len(folders) > 1:
        warnings += _odd_names(folders)
    return [*warnings, *_mask_files(found)]


def count_inner(found: ClassFiles) -> int:
    """Return how many folders inside of classes count as their class."""
    return sum(len(folder.forks) for folder in _read(found))


def _read(found: ClassFiles) -> list[_Folder]:
    return [_folder(name, found.tops[name], inside) for name, inside in found.folders.items()]


def _folder(name: str, top: Path, inside: dict[str, int]) -> _Folder:
    loose = frozenset(tuple(path.split(os.sep)) if path else () for path in inside)
    below: dict[Place, dict[str, None]] = {}
    for place in sorted(loose):
        for depth, child in enumerate(place):
            below.setdefault(place[:depth], {})[child] = None
    fork: Place = ()
    while fork not in loose and len(below[fork]) == 1:
        fork = (*fork, *below[fork])
    return _Folder(name, top, {place: list(each) for place, each in below.items()}, loose, fork)


def _reject_splits(path: Path, names: Sequence[str]) -> None:
    together: dict[frozenset[str], dict[str, list[str]]] = {}
    for name in names:
        if (said := split_of(name)) is not None:
            together.setdefault(said[1], {}).setdefault(said[0], []).append(name)
    for splits in together.values():
        if len(splits) > 1:
            found = sorted(name for each in splits.values() for name in each)
            raise InputError(
                f"{path}: expected a folder for each class, found {named(found)}, splits by their "
                "names; rename them to train and test, with a folder for each class directly in "
                "each"
            )


def _reject_annotations(found: ClassFiles, folders: Sequence[_Folder]) -> None:
    """Reject masks or annotations beside a folder of the images that they belong to."""
    images = next((folder for folder in folders if says_images(folder.name)), None)
    names = [folder.name for folder in folders]
    others = [name for name in (*names, *found.foreign) if says(name, ANNOTATIONS)]
    if images is None or not others:
        return
    rest = [name for name in names if not says_images(name) and name not in others]
    if rest and len(images.forks) < 2:
        return  # `button`, `image`, `label`: words of real classes, too
    instead = f"sort the images of {images.name}/ into a folder for each class"
    if len(images.forks) > 1:
        instead = f"give {images.path(images.fork)}"
    raise InputError(
        f"{found.path}: expected a folder for each class, found {images.name}/ and what belongs "
        f"to its images in {named(others)}; {instead}"
    )


def _reject_mask_classes(path: Path, names: Sequence[str]) -> None:
    """Reject folders such as `cat_mask` beside `cat`."""
    words = {words_of(name): name for name in names}
    masks = []
    for said, name in words.items():
        rest = tuple(word for word in said if word not in ANNOTATIONS)
        if rest and rest != said and rest in words:
            masks.append(name)
    if masks:
        raise InputError(
            f"{path}: expected a folder for each class, found {named(masks)} beside the folders "
            "of the images that these belong to; move them elsewhere, or rename them where they "
            "are classes"
        )


def _copies(path: Path, folders: Sequence[_Folder]) -> Iterator[str]:
    """Yield a line for folders inside of a class that are named like the classes."""
    names = {alike(folder.name) for folder in folders}
    for folder in folders:
        for place, children in folder.below.items():
            same = [child for child in children if alike(child) in names]
            if len(same) > 1:
                inner = folder.inside(place)
                raise InputError(
                    f"{path}: expected each class once, found the classes {named(same)} again in "
                    f"{inner}/; move {inner}/ elsewhere, or give {folder.path(place)} alone"
                )
            for child in same:
                if alike(child) != alike(folder.name):
                    yield (
                        f"{folder.inside((*place, child))}/ is named like the class {child}: its "
                        f"images count as {folder.name}"
                    )


def _reject_masks(path: Path, folders: Sequence[_Folder]) -> None:
    found = []
    for folder in folders:
        own = set(words_of(folder.name))
        masks = {
            (*place, child)
            for place, children in folder.below.items()
            for child in children
            if says(child, ANNOTATIONS)
            and not own & set(words_of(child))
            and (place in folder.loose or any(map(says_images, children)))
        }
        if masks and any(not _is_below(place, masks) for place in folder.loose):
            found += [folder.inside(place) for place in sorted(masks)]
    if found:
        raise InputError(
            f"{path}: expected images of classes, found masks or annotations among them in "
            f"{named(found)}; move these folders elsewhere, or rename them where they hold images "
            "of their class"
        )


def _is_below(place: Place, folders: set[Place]) -> bool:
    return any(place[:depth] in folders for depth in range(1, len(place) + 1))


def _reject_split_classes(path: Path, folders: Sequence[_Folder]) -> None:
    """Reject `cat/train` and `cat/test` in place of `train/cat` and `test/cat`."""
    for folder in folders:
        for place, children in folder.below.items():
            said = {child: split_of(child) for child in children}
            splits = {split[0]: child for child, split in said.items() if split and not split[1]}
            if len(splits) > 1:
                found = [folder.inside((*place, child)) for child in splits.values()]
                if any(folder.below.get((*place, child)) for child in splits.values()):
                    raise InputError(
                        f"{path}: expected a folder for each class, found train/ and test/ of a "
                        f"whole data set, {named(found)}; give {folder.path(place)}"
                    )
                raise InputError(
                    f"{path}: expected train/ and test/ with a folder for each class in them, "
                    f"found the splits inside of a class, {named(found)}; move them to "
                    f"train/{folder.name} and test/{folder.name}, or the images up into "
                    f"{folder.name}/ where these names are no splits"
                )


def _shared(path: Path, folders: Sequence[_Folder]) -> Iterator[str]:
    """Yield a line for folders that hold the same folders: the classes may be those."""
    forked = [(folder, {alike(name) for name in folder.forks}) for folder in folders]
    for (one, ones), (two, twos) in combinations([each for each in forked if each[1]], 2):
        both = ones & twos
        if len(both) < 2:
            continue
        same = [name for name in one.forks if alike(name) in both]
        # Sessions, samples, years, day and night may repeat in each class; many names, or those
        # in numbered portions, are classes.
        tops = are_numbered((one.name, two.name))
        are_series = are_numbered(same) and not (tops and all(name.isdigit() for name in same))
        are_portions = tops or len(same) > 2
        if one.is_loose or two.is_loose or are_series or not are_portions:
            yield (
                f"{one.name}/ and {two.name}/ both hold folders named {named(same)}: their "
                f"images count as {one.name} and {two.name}; if these folders are the classes, "
                f"give {one.path(one.fork)} alone, or merge them"
            )
            return
        first, second = same[:2]
        raise InputError(
            f"{path}: expected a folder for each class, found {one.name}/ and {two.name}/ with the "
            f"same folders in both ({named(same)}); give {one.path(one.fork)} "
            f"alone, or merge them into {first}/ and {second}/, or, where {one.name} and "
            f"{two.name} are the classes, move their images up"
        )


def _odd_names(folders: Sequence[_Folder]) -> Iterator[str]:
    names = [folder.name for folder in folders]
    for folder in folders:
        others = [name for name in names if name != folder.name]
        words = set(words_of(folder.name))
        if says(folder.name, ASIDE):
            yield f"{folder.name}/ is taken for a class: move it elsewhere if it is none"
        elif says(folder.name, ANNOTATIONS):
            if not any(words & set(words_of(name)) for name in others):
                yield (
                    f"{folder.name}/ is taken for a class: move it elsewhere if it belongs to the "
                    "images of the others"
                )
        elif says_images(folder.name) and len(folder.forks) > 1:
            yield (
                f"{folder.name}/ is taken for one class, with the folders {named(folder.forks)} in "
                "it: give it alone if these are the classes"
            )
    numbered: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        if portion := portion_of(name):
            numbered.setdefault(portion, []).append(name)
    for portions in numbered.values():
        if len(portions) > 1:
            yield (
                f"{named(portions)} are taken for classes: if they are portions of one data set, "
                "sort their images into a folder for each class"
            )


def _mask_files(found: ClassFiles) -> Iterator[str]:
    """Yield a line for masks such as `1_mask.png` beside `1.png`."""
    for name, files in found.images.items():
        marked = [(file, mark) for file in files if (mark := _MASK_FILE.search(file.stem))]
        if not marked:
            continue
        stems = {(file.parent, file.stem) for file in files}
        masks = [file for file, mark in marked if (file.parent, file.stem[: mark.start()]) in stems]
        if masks:
            yield (
                f"{name}/: {len(masks):,} images are named like masks of others beside them, as "
                f"{printable(masks[0].name)}: move them elsewhere if they are"
            )
