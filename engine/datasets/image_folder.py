"""A folder of the user's own images: `<class>/*.jpg`, or `train/` and `test/` of such folders."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.common.progress import Progress
from engine.datasets.class_folders import DIFFERENCE, alike, check_class_folders, says_images
from engine.datasets.dataset import Dataset
from engine.datasets.folder_walk import (
    EXPECTED,
    MIN_CLASSES,
    FolderWalk,
    Part,
    endings_of,
    folders,
    holds_image,
    loose_images,
)
from engine.datasets.published import OnDownload
from engine.datasets.report import Report, listed, per_class, report_of, untested
from engine.datasets.source import DataRequest, DatasetSource
from engine.datasets.split import check_training
from engine.errors import InputError

REPORT_SIDE = 8
"""Pixels to which images are resized for a report: small sizes decode JPEGs faster."""
TEST_SHARE = 0.2
"""Share of each class held out to test, if the folder has no test split."""
SPLIT_SEED = 0
"""Salt of the draw, the same for every run, so that all are tested on the same images."""
LEAST_IMAGES = 3
"""Least images of a class: one to train on, one to validate, one to test."""
Labelled = Sequence[tuple[Path, int]]
"""Files and the indices of their classes."""
_TRAINING = ("train", "training")
_TESTING = ("test", "testing", "val", "valid", "validation")


@dataclass(frozen=True, slots=True)
class Listing:
    """The image files of a folder, by split and class; none of them has been opened."""

    path: Path
    class_names: tuple[str, ...]
    train: Labelled
    """Shuffled, the same way each time."""
    test: Labelled
    notes: tuple[str, ...] = ()
    """How the folder is read, a line each."""
    warnings: tuple[str, ...] = ()
    """What of it is left out, a line each."""


class FolderSource(DatasetSource):
    """`<class>/*.jpg`, or `train/` and `test/` of such folders, at the request's path."""

    def check(self, request: DataRequest) -> str:
        """Count images and classes by the names of the files; see the base class.

        Raises:
            InputError: it is not such a folder, or a class has too few images to train on, or to
                hold that share out.
        """
        listing = list_folder(_path(request))
        labels = [label for _, label in listing.train[: request.train_limit]]
        is_limited = len(labels) < len(listing.train)
        check_training(labels, request.validation, listing.class_names, is_limited=is_limited)
        images = len(listing.train) + len(listing.test)
        return f"{images:,} images of {len(listing.class_names):,} classes"

    def count(self, request: DataRequest) -> tuple[int, int]:
        listing = list_folder(_path(request))
        return len(listing.train), len(listing.test)

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        from engine.datasets.image_reading import read_listing

        limit = request.train_limit
        listing = list_folder(_path(request), is_trained_on=limit != 0 and not request.has_begun)
        return read_listing(listing, request.image_size, limit, progress, request.range_of)

    def report(self, request: DataRequest, progress: Progress) -> Report:
        """Decode each image; see the base class.

        Raises:
            InputError: it is not such a folder, or has no image that can be read.
        """
        from engine.datasets.image_reading import read_listing

        listing = list_folder(_path(request))
        data = read_listing(listing, REPORT_SIDE, None, progress, is_report=True)
        if not data.seen.sizes:
            found = f"none, first {data.seen.unreadable[0]}"
            raise InputError(listing.path, "readable images", found, "replace the files")
        return report_of(self.name, str(listing.path), data)


def _path(request: DataRequest) -> Path:
    assert request.data_path is not None  # a folder is recorded with its path
    return Path(request.data_path)


def list_folder(path: Path, *, is_trained_on: bool = True) -> Listing:
    """Find the classes and the images of a folder by their names.

    Args:
        path: of the folder.
        is_trained_on: whether folders that are not classes are rejected; False reads what an
            earlier run was trained on, whatever it took for a class.

    Raises:
        InputError: no classes, only one, more than 1,000, or too few images of one; or a folder
            that cannot be read, that is not a class, or could be a class as well as a split.
    """
    notes: list[str] = []
    warnings: list[str] = []
    try:
        training, testing = _find_splits(path, notes, warnings)
        walk = FolderWalk(path, training if testing is None else [*training, testing])
        warnings += walk.warnings()
    except OSError as error:
        raise _unread(Path(error.filename or path), error) from error
    parts, trained = walk.parts, walk.parts[: len(training)]
    names = _class_names(trained)
    if is_trained_on:
        warnings += [*_check_parts(path, parts), *_check_alike(path, trained)]
    _check_classes(path, training[0], names)
    for part in parts:
        part.check_foreign()
    train = _labelled(trained, names)
    notes += walk.notes()
    if inner := sum(len(each.forks) for part in parts for each in part.classes.values()):
        notes.append(f"folders inside of classes, whose images count as their class: {inner:,}")
    if testing is not None:
        _check_known(parts[-1], training[0], names)
        _check_enough(path, train, names, LEAST_IMAGES - 1, "training images")
        test = _labelled(parts[-1:], names)
        warnings += untested(names, (label for _, label in test))
    else:
        _check_enough(path, train, names, LEAST_IMAGES, "images")
        train, test = _divided(path, train)
        notes.append(f"no test split: {TEST_SHARE:.0%} of each class are held out to test")
    others = sum((part.others for part in parts), Counter[str]())
    if others:
        line = f"{others.total():,} other files left alone: {listed(endings_of(others))}"
        if others.total() > len(train) + len(test):
            warnings.append(f"{line}, more than the images taken; convert them to .jpg or .png")
        else:
            notes.append(line)
    empty = sorted({name for part in parts for name in part.empty})
    if empty:
        warnings.append(f"folders without a file: {listed(empty)}")
    shuffled = tuple(sorted(train, key=lambda each: _draw(path, each[0], "order")))
    return Listing(path, names, shuffled, tuple(test), tuple(notes), tuple(warnings))


def _unread(folder: Path, error: OSError) -> InputError:
    found, hint = f"one that cannot be read ({error.strerror})", "check its permissions"
    if isinstance(error, FileNotFoundError):
        found, hint = "no such folder", "bring it back"
    elif isinstance(error, NotADirectoryError):
        found, hint = "a file", "name the folder that holds a folder for each class"
    return InputError(folder, "a folder of images", found, hint)


def _find_splits(
    path: Path, notes: list[str], warnings: list[str]
) -> tuple[list[Path], Path | None]:
    """Return the folders of training and of test images, by the names and places of folders.

    Args:
        path: of the data set.
        notes: gets a line for each choice made.
        warnings: gets a line for each thing left alone.

    Returns:
        The folders in which those of the classes lie; None in place of the test images' where
        these must be held out.

    Raises:
        InputError: folders of splits that do not make a data set, or one that could be either.
        OSError: a folder cannot be read; names it.
    """
    below = folders(path)
    known = {entry.name.lower(): entry for entry in below}
    training = [known[name] for name in _TRAINING if name in known]
    testing = [known[name] for name in _TESTING if name in known]
    trains = [each for each in training if any(map(holds_image, folders(each)))]
    tests = list(filter(_is_sorted, testing))
    if not trains:
        if training and testing:
            expected, hint = "a folder for each class, with its images in it", "sort its images"
            raise InputError(training[0], expected, "none", f"{hint} into such folders")
        if tests:
            expected, found = f"train/ beside {tests[0].name}/", "none with classes in it"
            hint = "make train/ of the training images, with a folder for each class in it"
            raise InputError(path, expected, found, hint)
        trains = [path]
    else:
        unknown = [entry.name for entry in below if entry not in training + testing]
        unknown = [name for name in unknown if holds_image(path / name)]
        if not tests and unknown:
            raise InputError(
                path,
                f"test/ or val/ beside {trains[0].name}/",
                listed(unknown),
                "rename the folder of the test images to test, and take away the others",
            )
        warnings += [f"{name}/ is neither train/ nor test/: left alone" for name in unknown]
        flat = [each for each in training + testing if each not in trains + tests]
        warnings += [
            f"{each.name}/ has no folder for each class: left alone"
            for each in filter(holds_image, flat)
        ]
        notes += [f"tested on {folder.name}/" for folder in tests[:1]]
        notes += [f"{folder.name}/ joins the training images" for folder in tests[1:]]
    for folder in trains + tests:
        if count := loose_images(folder):
            warnings.append(
                f"images directly in {folder.name}/, in no class, left alone: {count:,}"
            )
    return [*trains, *tests[1:]], tests[0] if tests else None


def _class_names(training: Sequence[Part]) -> tuple[str, ...]:
    """Return the classes sorted as their folders are, whose names may have another Unicode form."""
    written: dict[str, str] = {}
    for part in training:
        for name, folder in part.classes.items():
            written.setdefault(name, folder.top.name)
    return tuple(sorted(written, key=written.__getitem__))


def _check_alike(path: Path, training: Sequence[Part]) -> list[str]:
    """Reject classes of two folders that differ only in case; return a line for those of one."""
    groups: dict[str, list[str]] = {}
    for name in _class_names(training):
        groups.setdefault(alike(name), []).append(name)
    warnings = []
    for one, *others in groups.values():
        for other in others:
            if any((one in part.classes) != (other in part.classes) for part in training):
                found = f"{one!r} and {other!r}, which differ {DIFFERENCE}"
                hint = "give their folders the same name"
                raise InputError(path, "one name for each class", found, hint)
            warnings.append(f"two classes differ {DIFFERENCE}: {one!r} and {other!r}")
    return warnings


def _check_parts(path: Path, parts: Sequence[Part]) -> list[str]:
    """Reject folders that are not classes; return a line for each that may be one."""
    warnings = []
    for part in parts:
        elsewhere = {name for other in parts if other is not part for name in other.classes}
        warnings += check_class_folders(part, path, elsewhere)
        if part.merged:
            warnings.append(f"folders of one name in two forms joined: {listed(part.merged)}")
    return list(dict.fromkeys(warnings))  # train/ and test/ look the same


def _labelled(parts: Sequence[Part], names: Sequence[str]) -> Labelled:
    label = {name: i for i, name in enumerate(names)}
    return [
        (file, label[name])
        for part in parts
        for name, folder in part.classes.items()
        for file in folder.images
    ]


def _divided(path: Path, files: Labelled) -> tuple[Labelled, Labelled]:
    """Return a stratified split with `TEST_SHARE` of the images of each class, at least one.

    Each file's name decides, so that images added later move few of the others.
    """
    by_class: dict[int, list[Path]] = {}
    for file, label in files:
        by_class.setdefault(label, []).append(file)
    test: list[tuple[Path, int]] = []
    for label, found in by_class.items():
        drawn = sorted(found, key=lambda file: _draw(path, file, "test"))
        held_out = drawn[: max(round(TEST_SHARE * len(found)), 1)]
        test += [(file, label) for file in sorted(held_out)]
    held = set(test)
    return [each for each in files if each not in held], test


def _draw(root: Path, file: Path, purpose: str) -> bytes:
    """Return a random-looking number that depends only on the file's path inside the folder."""
    place = str(file).removeprefix(str(root)).replace(os.sep, "/").strip("/")
    return hashlib.sha256(os.fsencode(f"{SPLIT_SEED} {purpose} {place}")).digest()


def _check_classes(path: Path, training: Path, names: Sequence[str]) -> None:
    if len(names) >= MIN_CLASSES:
        return
    found = f"one class only, {names[0]!r}" if names else "no folder with an image in it"
    hint = "add a second class"
    if names and says_images(names[0]):
        hint = "sort its images into a folder for each class"
    elif not names and (loose := loose_images(path)):
        found = f"no folder with an image in it and {loose:,} loose images"
        hint = (
            f"give the folder above, where {path.name}/ is one of the classes, or sort them into "
            "a folder for each class"
        )
    raise InputError(training, EXPECTED, found, hint)


def _check_known(tested: Part, training: Path, names: Sequence[str]) -> None:
    for name in tested.classes:
        if name in names:
            continue
        twin = next((each for each in names if alike(each) == alike(name)), None)
        found, hint = f"{name!r} beside them", "give it training images or take it away"
        if twin is not None:
            found += f", which differs from {twin!r} {DIFFERENCE}"
            hint = "give both folders the same name"
        raise InputError(tested.path, f"the classes of {training.name}/", found, hint)


def _check_enough(path: Path, files: Labelled, names: Sequence[str], least: int, what: str) -> None:
    counts = per_class((label for _, label in files), names)
    for name, count in zip(names, counts, strict=True):
        if count < least:
            hint = "add images or take the class away"
            expected = f"{least} {what} of each class or more"
            raise InputError(path, expected, f"{count} of {name!r}", hint)


def _is_sorted(testing: Path) -> bool:
    """Return whether test images are in folders of classes, not all in one like `val/images/`."""
    held = list(filter(holds_image, folders(testing)))
    return bool(held) and not (len(held) == 1 and says_images(held[0].name))
