"""What the image files of a folder held, and sentences about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.common.text import printable

NAMED = 3
"""Most unreadable files that are named."""
COUNTED = 10
"""Most classes whose images are counted in a line."""
UNEVEN_FROM = 1.5
"""Ratio of the largest class to the smallest from which a line warns of it."""


@dataclass(slots=True)
class Seen:
    """Files that were read."""

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Width and height in the file, in pixels."""
    modes: Counter[str] = field(default_factory=Counter)
    """Pillow's modes of the files."""
    formats: Counter[str] = field(default_factory=Counter)
    """Formats of samples of more than 8 bits, as in `engine.datasets.sample_ranges`."""
    unreadable: list[str] = field(default_factory=list)
    """Unreadable files, a line each that begins with the path."""

    def add(self, size: tuple[int, int], mode: str, kind: str = "") -> None:
        """Count a readable file, and its format if its samples have more than 8 bits."""
        self.sizes[size] += 1
        self.modes[mode] += 1
        if kind:
            self.formats[kind] += 1

    def size_words(self) -> str:
        """Return the smallest and the largest image by their area; empty without any."""
        if not self.sizes:
            return ""
        small, large = min(self.sizes, key=_area), max(self.sizes, key=_area)
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
            named = "; ".join(self.unreadable[:NAMED])
            more = len(self.unreadable) - NAMED
            yield f"{len(self.unreadable):,} unreadable files left out: {named}" + (
                f"; and {more:,} more" if more > 0 else ""
            )


def counts_words(names: Sequence[str], train: Sequence[int], test: Sequence[int]) -> str:
    """Return the images of each class, as many as fit a line.

    Args:
        names: of the classes.
        train: images of each to train and validate.
        test: images of each to test.
    """
    each = zip(names[:COUNTED], train, test, strict=False)
    words = ", ".join(
        f"{printable(name)} {to_train:,} + {to_test:,}" for name, to_train, to_test in each
    )
    more = len(names) - COUNTED
    return f"images to train + to test: {words}" + (f", and {more:,} more" if more > 0 else "")


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


def untested(names: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    """Yield a line where classes have no image to test.

    Args:
        names: of the classes.
        counts: images of each to test.
    """
    lacking = [printable(name) for name, count in zip(names, counts, strict=True) if not count]
    if lacking:
        more = len(lacking) - COUNTED
        words = f" and {more:,} more" if more > 0 else ""
        yield f"no test image of {', '.join(lacking[:COUNTED])}{words}"


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]
