"""What a data set holds, before anything is trained on it: counts, sizes, what cannot be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from engine.datasets.dataset import Dataset


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A class and its images that can be read."""

    name: str
    train: int
    """To train and validate."""
    test: int

    @property
    def images(self) -> int:
        """Of both splits."""
        return self.train + self.test


@dataclass(frozen=True, slots=True)
class Report:
    """A data set; of a folder each image was decoded, as a training does it."""

    name: str
    where: str
    """Its folder, or in a few words where it comes from."""
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
    """What a user should know of it, a line each."""


def report_of(name: str, where: str, data: Dataset) -> Report:
    """Return what a data set holds that was read whole.

    Args:
        name: under which it is recorded.
        where: it comes from, in a few words.
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
