"""The images of a folder as arrays, read by several threads, without unreadable ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.common.progress import Progress
from engine.common.regular_file import digest_regular
from engine.common.text import byte_size
from engine.datasets.dataset import Dataset
from engine.datasets.image_file import Decoded, decode_image
from engine.datasets.image_folder import Labelled, Listing
from engine.datasets.report import Seen, counts_words, imbalance, listed, per_class
from engine.datasets.sample_ranges import RangeOf, Spread, find_range, scaling, spread_of, words
from engine.errors import InputError
from engine.protocol.facts import SampleRange

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEMORY_SHARE = 0.5
"""Share of the free memory that the images may take."""
_BLOCK = 256
"""Images read between two reports of progress."""


def read_listing(
    listing: Listing,
    side: int,
    train_limit: int | None,
    progress: Progress,
    range_of: RangeOf | None = None,
    *,
    is_report: bool = False,
) -> Dataset:
    """Read all readable images, each cropped to its middle square and resized to `side` pixels.

    Args:
        listing: of the folder.
        side: width and height of all images, in pixels.
        train_limit: read no more training images than these; None for all.
        progress: called with the number of images read; what it raises ends the reading.
        range_of: how samples of more than 8 bits are scaled; None finds a range of each format
            from the training images.
        is_report: whether it is read for a report, which shows counts and unreadable files itself,
            of whichever classes.

    Raises:
        InputError: they do not fit in memory, or a class has no readable training image.
    """
    asked, names = listing.train[:train_limit], listing.class_names
    total = len(asked) + len(listing.test)
    _check_memory(listing, total, side)
    reader = _Reader(side, progress, total)
    train, found = reader.read(asked, range_of)
    test, _ = reader.read(listing.test, range_of or scaling(each for each, _ in found))
    seen = reader.seen
    counts = [per_class(split.labels.tolist(), names) for split in (train, test)]
    notes, left_out = [], []
    if not is_report:
        _check_left(listing, asked, train, test)
        size = f"images of {seen.size_words()} pixels, cut to squares of {side}"
        notes = [counts_words(names, *counts), size, *seen.converted()]
        left_out = list(seen.left_out())
    return Dataset(
        train.images,
        train.labels,
        test.images,
        test.labels,
        names,
        str(listing.path),
        notes=(*listing.notes, *notes, *(words(each, images) for each, images in found)),
        warnings=(
            *listing.warnings,
            *imbalance(names, [sum(each) for each in zip(*counts, strict=True)]),
            *left_out,
            *_unranged(seen, found, range_of),
            *_in_both(listing.path, train, test),
        ),
        ranges=tuple(each for each, _ in found),
        files=(hashlib.sha256(train.digest + test.digest).hexdigest(), test.digest.hex()),
        test_files=tuple(os.path.relpath(path, listing.path) for path in test.files),
        seen=seen,
    )


@dataclass(frozen=True, eq=False)
class _Split:
    """The images of one split that could be read."""

    files: tuple[Path, ...]
    images: NDArray[np.uint8]
    """(files, side, side, 3)."""
    labels: NDArray[np.int64]
    """(files,)."""
    digests: tuple[bytes, ...]
    """SHA-256 of each file."""

    @property
    def digest(self) -> bytes:
        """SHA-256 over labels and files."""
        labels = self.labels.astype("<i8").tobytes()
        return hashlib.sha256(labels + b"".join(self.digests)).digest()


class _Reader:
    """Reads the images of both splits with several threads, and counts them."""

    def __init__(self, side: int, progress: Progress, total: int) -> None:
        """Store how to read.

        Args:
            side: width and height, in pixels.
            progress: called with how many of all images have been read; one that is read twice
                counts twice.
            total: images of both splits.
        """
        self._side, self._progress = side, progress
        self._done, self._total = 0, total
        self.seen = Seen()

    def read(
        self, files: Labelled, range_of: RangeOf | None
    ) -> tuple[_Split, list[tuple[SampleRange, int]]]:
        """Read all images of a split that can be read.

        Args:
            files: of the split.
            range_of: how samples of more than 8 bits are scaled; None finds the ranges here, and
                reads those images once more.

        Returns:
            The images; and the ranges found, each with the number of images it was found from.
        """
        import numpy as np

        images = np.empty((len(files), self._side, self._side, 3), np.uint8)
        digests = [b""] * len(files)  # empty where it cannot be read
        spreads: dict[int, tuple[str, Spread]] = {}

        def read_one(range_of: RangeOf | None, row: int) -> Decoded | str | None:
            def measure(kind: str, samples: NDArray[Any]) -> None:
                spreads[row] = (kind, spread_of(samples))

            path = files[row][0]
            try:
                decoded = decode_image(path, self._side, self._side, range_of or measure)
                digests[row] = _file_digest(path)
            except InputError as error:
                spreads.pop(row, None)
                digests[row] = b""
                return str(error)
            images[row] = decoded.pixels
            # what was only measured is read again
            return None if range_of is None and row in spreads else decoded

        self._read(range(len(files)), partial(read_one, range_of))
        formats: dict[str, list[Spread]] = {}
        for _, (kind, spread) in sorted(spreads.items()):
            formats.setdefault(kind, []).append(spread)
        found = [(find_range(kind, each), len(each)) for kind, each in formats.items()]
        self._total += len(spreads)
        self._read(sorted(spreads), partial(read_one, scaling(each for each, _ in found)))
        kept = [row for row, digest in enumerate(digests) if digest]
        for to, row in enumerate(kept):  # in place: a copy would take the memory twice
            if to != row:
                images[to] = images[row]
        split = _Split(
            tuple(files[row][0] for row in kept),
            images[: len(kept)],
            np.array([files[row][1] for row in kept], np.int64),
            tuple(digests[row] for row in kept),
        )
        return split, found

    def _read(self, rows: Sequence[int], work: Callable[[int], Decoded | str | None]) -> None:
        """Count what each row's file held, or keep the line on what is wrong with it."""
        # Pillow decodes and resizes without Python's lock.
        with ThreadPoolExecutor(os.cpu_count(), "images") as pool:
            for start in range(0, len(rows), _BLOCK):
                for found in pool.map(work, rows[start : start + _BLOCK]):
                    self._done += 1
                    if isinstance(found, str):
                        self.seen.unreadable.append(found)
                    elif found is not None:
                        self.seen.add(found.size, found.mode, found.format)
                self._progress(self._done, self._total, "images")


def _in_both(root: Path, train: _Split, test: _Split) -> Iterator[str]:
    """Yield a line where the same file is in both splits, under whatever names."""
    known = set(train.digests)
    same = [path for path, each in zip(test.files, test.digests, strict=True) if each in known]
    if same:
        names = listed([os.path.relpath(path, root) for path in same])
        yield (
            f"{len(same):,} of {len(test.files):,} test images are training images, too, byte for "
            f"byte: {names}; the test accuracy will look better than it is"
        )


def _unranged(
    seen: Seen, found: list[tuple[SampleRange, int]], range_of: RangeOf | None
) -> Iterator[str]:
    """Yield a line where a format is only in the test split."""
    alone = seen.formats - {each.format for each, _ in found}
    if range_of is None and alone:
        yield (
            f"no training image has the format {' or '.join(sorted(alone))}: each test image "
            "of it is scaled by itself"
        )


def _file_digest(path: Path) -> bytes:
    try:
        return digest_regular(path)
    except OSError as error:
        raise InputError(path, "an image", str(error.strerror)) from error


def _check_memory(listing: Listing, count: int, side: int) -> None:
    import psutil

    needed, free = count * side * side * 3, psutil.virtual_memory().available
    if needed > MEMORY_SHARE * free:
        raise InputError(
            listing.path,
            "images that fit in half of the free memory",
            f"{count:,} that take {byte_size(needed)} at {side} px, with {byte_size(free)} free",
            "give a smaller `image_size`, or `train_limit`",
        )


def _check_left(listing: Listing, asked: Labelled, train: _Split, test: _Split) -> None:
    """Reject a class or a split whose images are all unreadable."""
    left = set(train.labels.tolist())
    for label in sorted({label for _, label in asked} - left):
        raise InputError(
            listing.path,
            "readable training images of each class",
            f"none of {listing.class_names[label]!r}",
            "replace its files or take the class away",
        )
    if not test.files:
        raise InputError(listing.path, "readable test images", "none", "replace the files")
