"""A data set for the rest of the program: one class that finds, counts and reads it.

`docs/contributing/add-a-data-set.md` shows how to add one.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.common.progress import Progress
from engine.datasets.dataset import Dataset
from engine.datasets.published import (
    Archive,
    OnDownload,
    check_bytes,
    check_hash,
    download_archive,
    find_archive,
    shown,
)
from engine.datasets.report import Report, report_of
from engine.datasets.sample_ranges import RangeOf
from engine.errors import InputError

FOLDER_SIDE = 224
"""Pixels of a folder's images where no model determines them."""


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A request for a data set; most of it concerns only folders of images."""

    data_path: str | None = None
    """What `--data` names: a file or a folder; None for the usual places, then the download."""
    image_size: int = FOLDER_SIDE
    """Pixels to which the images of a folder are resized; other data sets keep their own."""
    train_limit: int | None = None
    """The most training images used; 0 if only the test images are; None for all. It can be ignored
    if reading all of them costs no more."""
    validation: float | Literal["test"] = "test"
    """The share of the training images that is held out; `"test"` for none."""
    range_of: RangeOf | None = None
    """How samples of more than 8 bits in a folder's images are scaled; None finds a range for each
    format from the training images."""
    has_begun: bool = False
    """Whether an earlier process has trained on a folder, whose classes are then taken as they
    were."""


class DatasetSource(ABC):
    """The source of one data set. Subclasses say how many images it has, and read them.

    Whatever is imported to read images belongs inside of `load`: the other methods are called
    before the first frame is drawn.
    """

    def __init__(self, name: str, title: str) -> None:
        """Store the names from the registry.

        Args:
            name: as `--dataset` takes it; of a folder as it is recorded.
            title: as screens show it.
        """
        self.name, self.title = name, title

    @property
    def archive(self) -> Archive | None:
        """The published file to download where the data set is nowhere; None where none is.

        A subclass may set it as a plain class attribute.
        """
        return None

    @abstractmethod
    def count(self, request: DataRequest) -> tuple[int, int]:
        """Return how many images there are to train and to test, without reading them.

        Raises:
            InputError: the data that `request` names cannot be counted.
        """

    @abstractmethod
    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        """Read all images.

        Args:
            request: what is asked for.
            progress: called with bytes while downloading and verifying, images while reading; what
                it raises must end the reading.
            on_download: called with a phrase before a download begins; what it raises must prevent
                it.

        Returns:
            uint8 images (N, height, width, 3), RGB from 0 to 255, of one height and width in both
            splits, the training images shuffled; int64 labels (N,); the names of the classes.

        Raises:
            InputError: what is wrong with the data or the network, and what to do.
        """

    def check(self, request: DataRequest) -> str:
        """Say in a phrase where the images will come from, by names and sizes of files alone.

        Raises:
            InputError: they cannot come from where `request` says, or a file there is damaged.
        """
        archive, given = self.archive, request.data_path
        if archive is None:
            if given is not None:
                raise InputError(
                    "data_path",
                    f"no path beside {self.name}, whose images are built in",
                    repr(given),
                    "leave the option out",
                )
            return "built in"
        path = self._requested_path(request)
        if path is None:
            return f"to download: {archive.bytes / 1e6:.0f} MB"
        if not os.path.exists(path):
            raise InputError(path, archive.file, "no such file or folder", "check the path")
        published = self._published_archive(path)
        if published is not None and path.is_file():
            check_bytes(path, published)
        return shown(path) if given is None else given

    def locate(self) -> Path | None:
        """Return its path in a usual place, by names alone; None if it would be downloaded."""
        return find_archive(self.archive) if self.archive is not None else None

    @property
    def missing_bytes(self) -> int | None:
        """Bytes to download before it can be read, by names alone; None where there are none."""
        archive = self.archive
        return archive.bytes if archive is not None and self.locate() is None else None

    def verify(self, path: Path, progress: Progress) -> None:
        """Reject a damaged archive; `load` checks anything else.

        Args:
            path: from `locate`, or named by the user.
            progress: called with the bytes.

        Raises:
            InputError: it is not the file that was published.
        """
        archive = self._published_archive(path)
        if archive is not None and path.is_file():
            check_bytes(path, archive)
            check_hash(path, archive, progress)

    def obtain(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Path:
        """Return the verified archive, or what else the user named; download it if it is missing.

        Raises:
            InputError: it is not available, or is damaged.
        """
        assert self.archive is not None  # there is nothing to obtain without one
        path = self._requested_path(request)
        if path is None:
            return download_archive(self.archive, self.title, progress, on_download)
        self.verify(path, progress)
        return path

    def report(self, request: DataRequest, progress: Progress) -> Report:
        """Return what `cifar-tui dataset` prints: classes, counts, sizes; downloads nothing.

        Raises:
            InputError: the data set is not here, or cannot be read.
        """
        where = self.check(request)
        return report_of(self.name, where, self.load(request, progress, self._reject_download))

    def _requested_path(self, request: DataRequest) -> Path | None:
        """Return what the user named, else what lies in a usual place; None if neither is."""
        given = request.data_path
        return self.locate() if given is None else Path(os.path.expanduser(given))

    def _published_archive(self, path: Path) -> Archive | None:
        """Return the published archive that a file is by its name."""
        return self.archive if self.archive is not None and path.name == self.archive.file else None

    def _reject_download(self, words: str) -> None:
        raise InputError(
            "",
            "its images on this machine",
            "none",
            f"`cifar-tui fetch --dataset {self.name}` brings them",
            self.name,
        )


def ignore_download(words: str) -> None:
    """Do nothing, for callers that show nothing."""
