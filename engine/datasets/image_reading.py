"""The images of a folder as arrays, read by several threads, without unreadable ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.common.progress import Progress
from engine.common.regular_file import digest_regular
from engine.common.text import byte_size
from engine.datasets.dataset import Dataset
from engine.datasets.folder_files import named
from engine.datasets.image_file import Decoded, decode_image
from engine.datasets.image_folder import Labelled, Listing
from engine.datasets.sample_ranges import RangeOf, Spread, find_range, scaling, spread_of, words
from engine.datasets.seen import Seen, counts_words, imbalance
from engine.errors import InputError
from engine.protocol.facts import SampleRange

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEMORY_SHARE = 0.5
"""Share of the free memory that the images may take."""
_BLOCK = 256
"""Images read between two reports of progress."""


@dataclass(frozen=True, eq=False)
class Splits:
    """The images of both splits of a folder, and what its files held."""

    train: Split
    test: Split
    seen: Seen
    ranges: tuple[tuple[SampleRange, int], ...]
    """Ranges of the training images, each with the number of images it was found from."""
    warnings: tuple[str, ...]
    """What the user should know about the files, a line each."""

    @property
    def notes(self) -> tuple[str, ...]:
        """How the files were read, a line each."""
        return tuple(words(each, images) for each, images in self.ranges)


def read_listing(
    listing: Listing,
    side: int,
    train_limit: int | None,
    progress: Progress,
    range_of: RangeOf | None = None,
) -> Dataset:
    """Read the images, each cropped to its middle square and resized to `side` pixels.

    Args:
        listing: of the folder.
        side: width and height of all images, in pixels.
        train_limit: read no more training images than these; None for all.
        progress: called with the number of images read; what it raises ends the reading.
        range_of: how samples of more than 8 bits are scaled; None finds a range of each format
            from the training images.

    Raises:
        InputError: they do not fit in memory, or a class has no readable training image.
    """
    splits = read_splits(listing, side, train_limit, progress, range_of)
    train, test, seen = splits.train, splits.test, splits.seen
    _check_left(listing, listing.train[:train_limit], train.labels, test.labels)
    counts = [split.counts(len(listing.class_names)) for split in (train, test)]
    both = hashlib.sha256(train.digest + test.digest)
    return Dataset(
        train.images,
        train.labels,
        test.images,
        test.labels,
        listing.class_names,
        str(listing.path),
        notes=(
            *listing.notes,
            counts_words(listing.class_names, *counts),
            f"images of {seen.size_words()} pixels, cut to squares of {side}",
            *seen.converted(),
            *splits.notes,
        ),
        warnings=(
            *listing.warnings,
            *imbalance(listing.class_names, [sum(each) for each in zip(*counts, strict=True)]),
            *seen.left_out(),
            *splits.warnings,
        ),
        ranges=tuple(each for each, _ in splits.ranges),
        files=(both.hexdigest(), test.digest.hex()),
        test_files=tuple(os.path.relpath(path, listing.path) for path in test.files),
        left_out=tuple(seen.unreadable),
    )


def read_splits(
    listing: Listing,
    side: int,
    train_limit: int | None,
    progress: Progress,
    range_of: RangeOf | None = None,
) -> Splits:
    """Read all readable images of both splits; the arguments are those of `read_listing`.

    Raises:
        InputError: the images do not fit in memory.
    """
    train, test = listing.train[:train_limit], listing.test
    total = len(train) + len(test)
    _check_memory(listing, total, side)
    seen = Seen()
    trained = _Reading(train, side, seen, progress, total)
    found = trained.read(range_of)
    tested = _Reading(test, side, seen, progress, trained.total, done=trained.done)
    tested.read(range_of or scaling(each for each, _ in found))
    of_train, of_test = trained.kept(), tested.kept()
    return Splits(
        of_train,
        of_test,
        seen,
        tuple(found),
        (*_unranged(seen, found, range_of), *_in_both(listing.path, of_train, of_test)),
    )


def _in_both(root: Path, train: Split, test: Split) -> Iterator[str]:
    """Yield a line where the same file is in both splits, under whatever names."""
    known = set(train.digests)
    same = [path for path, each in zip(test.files, test.digests, strict=True) if each in known]
    if same:
        names = named([os.path.relpath(path, root) for path in same])
        yield (
            f"{len(same):,} of {len(test.files):,} test images are training images, too, byte for "
            f"byte: {names}; the test accuracy will look better than it is"
        )


@dataclass(frozen=True, eq=False)
class Split:
    """The images of one split that could be read."""

    files: tuple[Path, ...]
    images: NDArray[np.uint8]
    """(files, side, side, 3)."""
    labels: NDArray[np.int64]
    """(files,)."""
    digests: tuple[bytes, ...]
    """SHA-256 of each file."""
    digest: bytes
    """SHA-256 over labels and files."""

    def counts(self, classes: int) -> tuple[int, ...]:
        """Return the number of images of each class."""
        import numpy as np

        return tuple(np.bincount(self.labels, minlength=classes).tolist())


class _Reading:
    """The images of one split, read by several threads."""

    def __init__(
        self,
        files: Labelled,
        side: int,
        seen: Seen,
        progress: Progress,
        total: int,
        *,
        done: int = 0,
    ) -> None:
        """Make room for the images.

        Args:
            files: of the split.
            side: width and height, in pixels.
            seen: counts what is read.
            progress: called with `done` images plus those read here, out of `total`.
            total: images of all splits.
            done: images read before.
        """
        import numpy as np

        self._files, self._side, self._seen = files, side, seen
        self._progress = progress
        self.done, self.total = done, total
        """Images read so far and in all; one that is read twice counts twice."""
        self._images = np.empty((len(files), side, side, 3), np.uint8)
        self._readable = np.zeros(len(files), bool)
        self._digests = [b""] * len(files)
        self._spreads: dict[int, tuple[str, Spread]] = {}

    def read(self, range_of: RangeOf | None) -> list[tuple[SampleRange, int]]:
        """Read all that can be read, and count it.

        Args:
            range_of: how samples of more than 8 bits are scaled; None finds the ranges here, and
                reads those images once more.

        Returns:
            The ranges found, each with the number of images it was found from.
        """
        for row, found in self._read(range(len(self._files)), range_of):
            if isinstance(found, str):
                self._seen.unreadable.append(found)
            else:
                self._readable[row] = True
                if row not in self._spreads:
                    self._seen.add(found.size, found.mode, found.format)
            self.done += 1
        if not self._spreads:
            return []
        ranges = self._ranges()
        known = scaling(each for each, _ in ranges)
        self.total += len(self._spreads)
        for row, found in self._read(sorted(self._spreads), known):
            if isinstance(found, str):
                self._seen.unreadable.append(found)
                self._readable[row] = False
            else:
                self._seen.add(found.size, found.mode, found.format)
            self.done += 1
        return ranges

    def kept(self) -> Split:
        """Return the images that were read."""
        import numpy as np

        labels = np.array([label for _, label in self._files], np.int64)
        kept = np.flatnonzero(self._readable)
        digests = tuple(self._digests[row] for row in kept)
        digest = hashlib.sha256(labels[kept].astype("<i8").tobytes())
        digest.update(b"".join(digests))
        for to, row in enumerate(kept):  # in place: a copy would take the memory twice
            if to != row:
                self._images[to] = self._images[row]
        files = tuple(self._files[row][0] for row in kept)
        return Split(files, self._images[: len(kept)], labels[kept], digests, digest.digest())

    def _read(
        self, rows: Sequence[int], range_of: RangeOf | None
    ) -> Iterator[tuple[int, Decoded | str]]:
        """Yield each row with what its file held, or with a line on what is wrong with it."""
        # Pillow decodes and resizes without Python's lock.
        with ThreadPoolExecutor(os.cpu_count(), "images") as pool:
            for start in range(0, len(rows), _BLOCK):
                block = rows[start : start + _BLOCK]
                yield from zip(block, pool.map(partial(self._one, range_of), block), strict=True)
                self._progress(self.done, self.total, "images")

    def _one(self, range_of: RangeOf | None, row: int) -> Decoded | str:
        def measure(kind: str, samples: NDArray[Any]) -> None:
            self._spreads[row] = (kind, spread_of(samples))  # the image is read again

        path = self._files[row][0]
        try:
            decoded = decode_image(path, self._side, self._side, range_of or measure)
            self._digests[row] = _file_digest(path)
        except InputError as error:
            self._spreads.pop(row, None)
            return str(error)
        self._images[row] = decoded.pixels
        return decoded

    def _ranges(self) -> list[tuple[SampleRange, int]]:
        formats: dict[str, list[Spread]] = {}
        for _, (kind, spread) in sorted(self._spreads.items()):
            formats.setdefault(kind, []).append(spread)
        return [(find_range(kind, spreads), len(spreads)) for kind, spreads in formats.items()]


def _unranged(
    seen: Seen, found: list[tuple[SampleRange, int]], range_of: RangeOf | None
) -> Iterator[str]:
    """Yield a line where a format is only in the test split."""
    alone = seen.formats.keys() - {each.format for each, _ in found}
    if range_of is None and alone:
        yield (
            f"no training image has the format {' or '.join(sorted(alone))}: each test image "
            "of it is scaled by itself"
        )


def _file_digest(path: Path) -> bytes:
    try:
        return digest_regular(path)
    except OSError as error:
        raise InputError(f"{path}: expected an image, found {error.strerror}") from error


def _check_memory(listing: Listing, count: int, side: int) -> None:
    import psutil

    needed, free = count * side * side * 3, psutil.virtual_memory().available
    if needed > MEMORY_SHARE * free:
        raise InputError(
            f"{listing.path}: expected images that fit in half of the free memory, found {count:,} "
            f"that take {byte_size(needed)} at {side} px, with {byte_size(free)} free; give a "
            "smaller --image-size, or --train-limit"
        )


def _check_left(
    listing: Listing,
    asked: Labelled,
    train_labels: NDArray[np.int64],
    test_labels: NDArray[np.int64],
) -> None:
    left = set(train_labels.tolist())
    for label in sorted({label for _, label in asked}):
        if label not in left:
            raise InputError(
                f"{listing.path}: expected readable training images of each class, found none of "
                f"{listing.class_names[label]!r}; replace its files or take the class away"
            )
    if not len(test_labels):
        raise InputError(
            f"{listing.path}: expected readable test images, found none; replace the files"
        )
