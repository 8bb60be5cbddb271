"""What a data set holds, before anything is trained on it: counts, sizes, what cannot be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.common.progress import Progress, ignore_progress
from engine.config.dataset_names import is_folder, resolve
from engine.datasets import cifar, digits
from engine.datasets.archives import CIFAR_SETS
from engine.datasets.image_folder import list_folder
from engine.datasets.image_reading import read_splits
from engine.datasets.loading import check_dataset
from engine.datasets.seen import imbalance
from engine.errors import InputError

SIDE = 8
"""Pixels to which images are brought here: a JPEG is decoded the faster for it."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A class and its images that can be read."""

    name: str
    train: int
    """To train and validate."""
    test: int


@dataclass(frozen=True, slots=True)
class Report:
    """A data set; of a folder each image was decoded, as a training does it."""

    name: str
    where: str
    """Its folder, or in words where it comes from."""
    classes: tuple[ClassCount, ...]
    widths: tuple[int, int]
    """Of the narrowest and the widest image, in pixels."""
    heights: tuple[int, int]
    modes: dict[str, int]
    """Images by what their files keep, as Pillow calls it; all but `RGB` are converted."""
    unreadable: tuple[str, ...] = ()
    """A line each, that begins with the path."""
    notes: tuple[str, ...] = ()
    """How it is read, a line each."""
    warnings: tuple[str, ...] = ()
    """What a person should know of it, a line each."""


def report_on(name: str, progress: Progress = ignore_progress) -> Report:
    """Look at a data set; a folder's images are decoded.

    Args:
        name: a known data set, or the path of a folder of images.
        progress: told how many images are read.

    Raises:
        InputError: no such data set, a folder that is none, or one without a readable image.
    """
    recorded, data_path = resolve(name, None)
    if is_folder(recorded) and data_path is not None:
        return _folder(recorded, Path(data_path), progress)
    where = check_dataset(recorded, None)
    if recorded in CIFAR_SETS:
        names = CIFAR_SETS[recorded].class_names
        train, test = (images // len(names) for images in cifar.IMAGES)
        classes = tuple(ClassCount(each, train, test) for each in names)
        return Report(recorded, where, classes, (32, 32), (32, 32), {"RGB": sum(cifar.IMAGES)})
    data = digits.load(None)
    to_train, to_test = Counter(data.train_labels.tolist()), Counter(data.test_labels.tolist())
    classes = tuple(
        ClassCount(each, to_train[label], to_test[label])
        for label, each in enumerate(data.class_names)
    )
    return Report(recorded, where, classes, (8, 8), (8, 8), {"L": sum(map(_all, classes))})


def _folder(name: str, path: Path, progress: Progress) -> Report:
    listing = list_folder(path)
    splits = read_splits(listing, SIDE, None, progress)
    seen = splits.seen
    if not seen.sizes:
        raise InputError(
            f"{path}: expected readable images, found none, first {seen.unreadable[0]}; "
            "replace the files"
        )
    widths, heights = zip(*seen.sizes, strict=True)
    counts = [split.counts(len(listing.class_names)) for split in (splits.train, splits.test)]
    classes = tuple(map(ClassCount, listing.class_names, *counts))
    uneven = imbalance(listing.class_names, list(map(_all, classes)))
    return Report(
        name,
        str(path),
        classes,
        (min(widths), max(widths)),
        (min(heights), max(heights)),
        dict(seen.modes.most_common()),
        tuple(seen.unreadable),
        (*listing.notes, *splits.notes),
        (*listing.warnings, *uneven, *splits.warnings),
    )


def _all(count: ClassCount) -> int:
    return count.train + count.test
