"""A report of a data set before training: counts, sizes, what cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from engine.datasets.dataset import Dataset
from engine.datasets.seen import per_class


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
        data: its images.
    """
    names = data.class_names
    counts = [per_class(each.tolist(), names) for each in (data.train_labels, data.test_labels)]
    classes = tuple(map(ClassCount, names, *counts))
    height, width = data.train_images.shape[1:3]
    widths, heights = zip(*data.seen.sizes or [(width, height)], strict=True)
    return Report(
        name,
        where,
        classes,
        (min(widths), max(widths)),
        (min(heights), max(heights)),
        dict(data.seen.modes.most_common()) or {"RGB": sum(each.images for each in classes)},
        data.left_out,
        data.notes,
        data.warnings,
    )
