"""The images of a folder as arrays, read by several threads, what cannot be read left out."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from engine.datasets.dataset import Dataset
from engine.datasets.image_folder import Labelled, Listing
from engine.datasets.seen import Seen, counts_words, imbalance
from engine.errors import InputError
from engine.formatting import byte_size
from engine.image_file import decode_image
from engine.progress import Progress
from engine.regular_file import digest_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEMORY_SHARE = 0.5
"""Of the free memory, that the images may take."""
_BLOCK = 256
"""Images read between two words of progress."""


def read_listing(
    name: str, listing: Listing, side: int, train_limit: int | None, progress: Progress
) -> Dataset:
    """Read the images, each cut to its middle square and resized to `side` pixels.

    Args:
        name: under which the data set is recorded.
        listing: of the folder.
        side: width and height of all images, in pixels.
        train_limit: read no more training images than these; None for all.
        progress: told how many images are read; what it raises ends the reading.

    Raises:
        InputError: they do not fit in memory, or a class has no readable training image.
    """
    import numpy as np

    train, test = listing.train[:train_limit], listing.test
    _check_memory(listing, len(train) + len(test), side)
    seen = Seen()
    total = len(train) + len(test)
    train_images, train_labels, train_files = _read(train, side, seen, progress, 0, total)
    test_images, test_labels, test_files = _read(test, side, seen, progress, len(train), total)
    _check_left(listing, train, train_labels, test_labels)
    counts = [
        np.bincount(labels, minlength=len(listing.class_names)).tolist()
        for labels in (train_labels, test_labels)
    ]
    both = hashlib.sha256(train_files + test_files)
    return Dataset(
        name,
        train_images,
        train_labels,
        test_images,
        test_labels,
        listing.class_names,
        str(listing.path),
        notes=(
            *listing.notes,
            counts_words(listing.class_names, *counts),
            f"images of {seen.size_words()} pixels, cut to squares of {side}",
            *seen.converted(),
        ),
        warnings=(
            *listing.warnings,
            *imbalance(listing.class_names, [sum(each) for each in zip(*counts, strict=True)]),
            *seen.left_out(),
        ),
        files=(both.hexdigest(), test_files.hex()),
    )


def _read(
    files: Labelled, side: int, seen: Seen, progress: Progress, done: int, total: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], bytes]:
    """The images that can be read, their labels, and a digest over their files and labels."""
    import numpy as np

    images = np.empty((len(files), side, side, 3), np.uint8)
    labels = np.array([label for _, label in files], np.int64)
    readable = np.zeros(len(files), bool)
    digests = [b""] * len(files)

    def read(row: int) -> tuple[tuple[int, int], str] | str:
        try:
            decoded = decode_image(files[row][0], side, side)
            digests[row] = _file_digest(files[row][0])
        except InputError as error:
            return str(error)
        images[row] = decoded.pixels
        readable[row] = True
        return decoded.size, decoded.mode

    # Pillow decodes and resizes without Python's lock.
    with ThreadPoolExecutor(os.cpu_count(), "images") as pool:
        for start in range(0, len(files), _BLOCK):
            for found in pool.map(read, range(start, min(start + _BLOCK, len(files)))):
                if isinstance(found, str):
                    seen.unreadable.append(found)
                else:
                    seen.add(*found)
            progress(done + min(start + _BLOCK, len(files)), total, "images")
    kept = np.flatnonzero(readable)
    digest = hashlib.sha256(labels[kept].astype("<i8").tobytes())
    digest.update(b"".join(digests[row] for row in kept))
    for to, row in enumerate(kept):  # in place: a copy would take the memory twice
        if to != row:
            images[to] = images[row]
    return images[: len(kept)], labels[kept], digest.digest()


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
