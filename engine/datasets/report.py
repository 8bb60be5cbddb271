"""A report of a data set before training: counts, sizes, what cannot be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from engine.datasets.dataset import Dataset


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A class and its images that can be read."""

    name: str
    train: int
    """Images to train and validate."""
    test: int

    @property
    def images(self) -> int:
        """Images of both splits."""
        return self.train + self.test


@dataclass(frozen=True, slots=True)
class Report:
    """The content of a data set; of a folder each image is decoded, as in training."""

    name: str
    where: str
    """Its folder, or a phrase of where it comes from."""
    classes: tuple[ClassCount, ...]
    widths: tuple[int, int]
    """Sizes of the narrowest and the widest image, in pixels."""
    heights: tuple[int, int]
    modes: dict[str, int]
    """Images by Pillow's mode of their files; all but `RGB` are converted."""
    unreadable: tuple[str, ...] = ()
    """Unreadable files, a line each that begins with the path."""
    notes: tuple[str, ...] = ()
    """How it is read, a line each."""
    warnings: tuple[str, ...] = ()
    """What a user should know about it, a line each."""


def report_of(name: str, where: str, data: Dataset) -> Report:
    """Return the report of a data set that was read whole.

    Args:
        name: under which it is recorded.
        where: a phrase of where it comes from.
        data: its images, all of one size.
    """
    to_train, to_test = Counter(data.train_labels.tolist()), Counter(data.test_labels.tolist())
    classes = tuple(
        ClassCount(each, to_train[label], to_test[label])
        for label, each in enumerate(data.class_names)
    )
    height, width = data.train_images.shape[1:3]
    return Report(
        name,
        where,
        classes,
        (width, width),
        (height, height),
        {"RGB": sum(each.images for each in classes)},
        notes=data.notes,
        warnings=data.warnings,
    )
