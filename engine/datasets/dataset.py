"""A data set in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.common.text import printable
from engine.datasets.report import Seen
from engine.protocol.facts import SampleRange

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of both splits, as they were published."""

    train_images: NDArray[np.uint8]
    """(N, height, width, 3), RGB."""
    train_labels: NDArray[np.int64]
    """(N,), indices into `class_names`."""
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    source: str = ""
    """Where it was read from, as a phrase or a path."""
    notes: tuple[str, ...] = ()
    """How it was read, a line each."""
    warnings: tuple[str, ...] = ()
    """What a user should know about it, a line each."""
    files: tuple[str, str] = ("", "")
    """Of a folder: SHA-256 (hex) over the image files read and their classes, of both splits and
    of the test split; the same for every size they are resized to."""
    ranges: tuple[SampleRange, ...] = ()
    """Of a folder: the samples of more than 8 bits that became 0 and 255, one per format."""

    test_files: tuple[str, ...] = ()
    """Of a folder: the path of each test image within it."""
    seen: Seen = field(default_factory=Seen)
    """What the files held, of a folder; of grey images their mode."""
    can_change: bool = False
    """Whether its arrays may differ another time, as with the next version of a package."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over all images and labels; the same for every layout of one data set."""
        return _digest(self.train_images, self.train_labels, self.test_images, self.test_labels)

    @property
    def identity(self) -> str:
        """What identifies the images of both splits among others of the same name.

        SHA-256 (hex), over the files of a folder, else over the arrays; empty where they are
        always the same.
        """
        return self.fingerprint if self.can_change else self.files[0]

    @property
    def test_identity(self) -> str:
        """What identifies the images of the test split."""
        if self.can_change:
            return _digest(self.test_images, self.test_labels)
        return self.files[1]


def _digest(*arrays: NDArray[Any]) -> str:
    import hashlib

    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        # a memory view of a contiguous array: nothing is copied
        digest.update(array.data if array.flags.c_contiguous else array.tobytes())
    return digest.hexdigest()


def wrong_arrays(images: object, labels: object, classes: int) -> tuple[str, str]:
    """Return what images and labels that belong together should be, and what they are instead.

    Args:
        images: uint8 (N, height, width, 3), one or more.
        labels: integers (N,), from 0 to `classes` - 1.
        classes: the number of classes.

    Returns:
        Two phrases; both are empty where nothing is wrong.
    """
    import numpy as np

    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[3] != 3
        or not images.size
    ):
        return "uint8 images (N, height, width, 3), one or more", kind_of(images)
    if (
        not isinstance(labels, np.ndarray)
        or labels.dtype.kind not in "iu"
        or labels.shape != (len(images),)
    ):
        return "one integer label per image", f"{kind_of(labels)} for {len(images):,} images"
    low, high = int(labels.min()), int(labels.max())
    is_wrong = low < 0 or high >= classes
    return (f"labels from 0 to {classes - 1}", f"{low} to {high}") if is_wrong else ("", "")


def kind_of(value: object) -> str:
    """Return a phrase of what a value is: an array's type and shape, another's type and name."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"{type(value).__name__} {printable(getattr(value, '__name__', ''))}".strip()
