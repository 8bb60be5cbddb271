"""A folder of one's own images: `<class>/*.jpg`, or `train/` and `test/` of such folders."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError

SUFFIXES = frozenset(
    [".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"]
)
MIN_CLASSES, MAX_CLASSES = 2, 1_000
MAX_FILES = 2_000_000
TEST_SHARE = 0.2
"""Of each class, where the folder brings no test split."""
SPLIT_SEED = 0
"""The same for every run, so that all are tested on the same images."""
LEAST_IMAGES = 3
"""Of a class: one to train on, one to validate, one to test."""
UNEVEN_FROM = 1.5
"""Images of the largest class over those of the smallest, from which on it is said."""
_TRAINING = ("train", "training")
_TESTING = ("test", "testing", "val", "valid", "validation")
_TODO = "a folder for each class, with its images in it, or train/ and test/ of such folders"

Labelled = tuple[tuple[Path, int], ...]
"""Files and the indices of their classes."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The image files of a folder, by split and class; none of them has been opened."""

    path: Path
    class_names: tuple[str, ...]
    train: Labelled
    """Shuffled, the same way each time."""
    test: Labelled
    notes: tuple[str, ...]
    """How the folder is read, a line each."""

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Images of each class, both splits together."""
        counts = Counter(label for _, label in (*self.train, *self.test))
        return tuple(counts[label] for label in range(len(self.class_names)))


def list_folder(path: Path) -> Listing:
    """Find the classes and the images of a folder by their names.

    Raises:
        InputError: no classes, only one, more than 1,000, or too few images of one.
    """
    try:
        splits, notes = _splits(path)
        if splits is None:
            classes, others = _classes(path)
            _check_classes(path, list(classes))
            names = tuple(classes)
            train, test = _divided(path, classes)
            notes.append(f"no test split: {TEST_SHARE:.0%} of each class are held out to test")
        else:
            names, train, test, others = _read_splits(path, *splits)
    except OSError as error:
        raise InputError(
            f"{error.filename or path}: expected a folder of images, found one that cannot be "
            f"read ({error.strerror}); check its permissions"
        ) from error
    if others:
        notes.append(f"{others:,} other files left alone")
    return Listing(path, names, _shuffled(path, train), tuple(test), tuple(notes))


def _splits(path: Path) -> tuple[tuple[list[Path], list[Path]] | None, list[str]]:
    """The folders of the training and the test split; None where the classes lie at the top."""
    found = {entry.name.lower(): entry for entry in _folders(path)}
    training = [found[name] for name in _TRAINING if name in found]
    testing = [found[name] for name in _TESTING if name in found]
    if not training or not testing:
        return None, []
    first, *more = testing
    notes = [f"tested on {first.name}/"]
    notes += [f"{folder.name}/ joins the training images" for folder in more]
    return (training + more, [first]), notes


def _read_splits(
    path: Path, training: list[Path], testing: list[Path]
) -> tuple[tuple[str, ...], list[tuple[Path, int]], list[tuple[Path, int]], int]:
    parts = [(folder, *_classes(folder)) for folder in (*training, *testing)]
    names = tuple(sorted({name for _, classes, _ in parts[: len(training)] for name in classes}))
    _check_classes(training[0], list(names))
    label = {name: i for i, name in enumerate(names)}
    train: list[tuple[Path, int]] = []
    test: list[tuple[Path, int]] = []
    for place, (folder, classes, _) in enumerate(parts):
        unknown = [name for name in classes if name not in label]
        if unknown:
            raise InputError(
                f"{folder}: expected the classes of {training[0].name}/, found {unknown[0]!r} "
                "beside them; give it training images or take it away"
            )
        files = [(file, label[name]) for name, found in classes.items() for file in found]
        (train if place < len(training) else test).extend(files)
    counts = Counter(which for _, which in train)
    for name in names:
        if counts[label[name]] < LEAST_IMAGES - 1:
            raise _too_few(path, name, counts[label[name]], LEAST_IMAGES - 1, "training images")
    return names, train, test, sum(others for _, _, others in parts)


def _folders(path: Path) -> list[Path]:
    with os.scandir(path) as entries:
        found = [Path(e.path) for e in entries if not e.name.startswith(".") and e.is_dir()]
    return sorted(found)


def _classes(path: Path) -> tuple[dict[str, list[Path]], int]:
    """The images of each folder below `path`, and how many other files there are."""
    folders = _folders(path)
    if len(folders) > MAX_CLASSES:
        raise InputError(
            f"{path}: expected {MIN_CLASSES} to {MAX_CLASSES:,} classes, found {len(folders):,} "
            f"folders; expected was {_TODO}"
        )
    classes: dict[str, list[Path]] = {}
    others = seen = 0
    for folder in folders:
        images = []
        for file in _files(folder):
            seen += 1
            if file.suffix.lower() in SUFFIXES:
                images.append(file)
            else:
                others += 1
            if seen > MAX_FILES:
                raise InputError(
                    f"{path}: expected at most {MAX_FILES:,} files, found more; name the folder "
                    "of the images themselves"
                )
        if images:
            classes[folder.name] = images
    return classes, others


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


def _check_classes(path: Path, names: list[str]) -> None:
    if len(names) < MIN_CLASSES:
        found = f"one class only, {names[0]!r}" if names else "no folder with an image in it"
        raise InputError(f"{path}: expected {_TODO}, found {found}; add a second class")


def _divided(
    path: Path, classes: dict[str, list[Path]]
) -> tuple[list[tuple[Path, int]], list[tuple[Path, int]]]:
    """A stratified split; each class gives `TEST_SHARE` of its images, and one at least.

    Each file's name decides, so that images which join later move few of the others.
    """
    train: list[tuple[Path, int]] = []
    test: list[tuple[Path, int]] = []
    for label, (name, files) in enumerate(classes.items()):
        if len(files) < LEAST_IMAGES:
            raise _too_few(path, name, len(files), LEAST_IMAGES, "images")
        held_out = max(round(TEST_SHARE * len(files)), 1)
        drawn = sorted(files, key=lambda file: _draw(path, file, "test"))
        test += [(file, label) for file in sorted(drawn[:held_out])]
        train += [(file, label) for file in sorted(drawn[held_out:])]
    return train, test


def _shuffled(path: Path, files: list[tuple[Path, int]]) -> Labelled:
    """In no order of classes, as `--train-limit` takes the first ones."""
    return tuple(sorted(files, key=lambda each: _draw(path, each[0], "order")))


def _draw(root: Path, file: Path, purpose: str) -> bytes:
    """A number that only the file's place inside the folder decides, as if drawn at random."""
    place = str(file).removeprefix(str(root)).replace(os.sep, "/").strip("/")
    return hashlib.sha256(os.fsencode(f"{SPLIT_SEED} {purpose} {place}")).digest()


def imbalance(listing: Listing) -> Iterator[str]:
    """A line where one class has many more images than another."""
    counts = listing.class_counts
    most, least = max(counts), min(counts)
    if most >= UNEVEN_FROM * least:
        largest = listing.class_names[counts.index(most)]
        smallest = listing.class_names[counts.index(least)]
        yield (
            f"uneven classes: {largest} has {most:,} images, {smallest} {least:,}; "
            f"always saying {largest} would be right for {most / sum(counts):.0%}"
        )


def _too_few(path: Path, name: str, found: int, least: int, what: str) -> InputError:
    return InputError(
        f"{path}: expected {least} {what} of each class or more, found {found} of {name!r}; "
        "add images or take the class away"
    )
