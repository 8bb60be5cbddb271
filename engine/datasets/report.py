"""What a data set holds, counted and in sentences, before it is trained on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.common.text import printable

if TYPE_CHECKING:
    from engine.datasets.dataset import Dataset

NAMED = 3
"""Most folders, files or endings that are named in a line."""
COUNTED = 10
"""Most classes that are named in a line, as with their images."""
UNEVEN_FROM = 1.5
"""Ratio of the largest class to the smallest from which a line warns of it."""


@dataclass(slots=True)
class Seen:
    """Files that were read."""

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Width and height in the file, in pixels."""
    modes: Counter[str] = field(default_factory=Counter)
    """Pillow's modes of the files."""
    formats: set[str] = field(default_factory=set)
    """Formats of samples of more than 8 bits, as in `engine.datasets.sample_ranges`."""
    unreadable: list[str] = field(default_factory=list)
    """Unreadable files, a line each that begins with the path."""

    def add(self, size: tuple[int, int], mode: str, kind: str = "") -> None:
        """Count a readable file, and its format if its samples have more than 8 bits."""
        self.sizes[size] += 1
        self.modes[mode] += 1
        if kind:
            self.formats.add(kind)

    def size_words(self) -> str:
        """Return the smallest and the largest image by their area, of one or more."""
        small, large = min(self.sizes, key=math.prod), max(self.sizes, key=math.prod)
        words = f"{small[0]}×{small[1]}"
        return words if large == small else f"{words} to {large[0]}×{large[1]}"

    def converted(self) -> Iterator[str]:
        """Yield a line where files are not RGB."""
        others = [f"{count:,} {mode}" for mode, count in self.modes.most_common() if mode != "RGB"]
        if others:
            yield f"converted to RGB: {', '.join(others)}"

    def left_out(self) -> Iterator[str]:
        """Yield a line where files cannot be read."""
        if self.unreadable:
            named = listed(self.unreadable, mark=";")
            yield f"{len(self.unreadable):,} unreadable files left out: {named}"


def listed(names: Sequence[str], most: int = NAMED, mark: str = ",") -> str:
    """Return a few of these on one line, `mark` between them, and how many more there are."""
    shown = f"{mark} ".join(map(printable, names[:most]))
    more = len(names) - most
    last = "" if mark == "," else mark
    return f"{shown}{last} and {more:,} more" if more > 0 else shown


def per_class(labels: Iterable[int], names: Sequence[str]) -> list[int]:
    """Return how many of these labels each of the named classes has."""
    counts = Counter(labels)
    return [counts[label] for label in range(len(names))]


def counts_words(names: Sequence[str], train: Sequence[int], test: Sequence[int]) -> str:
    """Return the images of each class, as many as fit a line.

    Args:
        names: of the classes.
        train: images of each to train and validate.
        test: images of each to test.
    """
    each = [
        f"{name} {to_train:,} + {to_test:,}"
        for name, to_train, to_test in zip(names, train, test, strict=True)
    ]
    return f"images to train + to test: {listed(each, COUNTED)}"


def imbalance(names: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    """Yield a line where one class has many more images than another.

    Args:
        names: of the classes.
        counts: images of each.
    """
    most, least = max(counts), min(counts)
    if most >= UNEVEN_FROM * least:
        largest, smallest = (printable(names[counts.index(count)]) for count in (most, least))
        yield (
            f"uneven classes: {largest} has {most:,} images, {smallest} {least:,}; "
            f"always saying {largest} would be right for {most / max(sum(counts), 1):.0%}"
        )


def untested(names: Sequence[str], labels: Iterable[int]) -> Iterator[str]:
    """Yield a line where classes have no image to test.

    Args:
        names: of the classes.
        labels: of the test images.
    """
    counts = per_class(labels, names)
    lacking = [name for name, count in zip(names, counts, strict=True) if not count]
    if lacking:
        yield f"no test image of {listed(lacking, COUNTED)}"


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
        tuple(data.seen.unreadable),
        data.notes,
        data.warnings,
    )
