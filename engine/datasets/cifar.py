"""CIFAR-10 and CIFAR-100: where they are looked for and how they are loaded."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from engine.common.progress import Progress
from engine.datasets.archives import CIFAR10, CIFAR100, CifarSet
from engine.datasets.dataset import Dataset
from engine.datasets.layouts import find_layout, read_layout
from engine.datasets.published import (
    Archive,
    OnDownload,
    check_bytes,
    check_hash,
    download_archive,
    shown,
    usual_folders,
)
from engine.datasets.report import ClassCount, Report
from engine.datasets.seen import untested
from engine.datasets.source import DataRequest, DatasetSource, download_words
from engine.errors import InputError

IMAGES = (50_000, 10_000)
"""Images to train and to test, of CIFAR-10 and CIFAR-100 alike."""
SIDE = 32
"""Pixels."""


class CifarSource(DatasetSource):
    """One of the two: an archive in either version, extracted, in Keras' layout or an .npz."""

    published: ClassVar[CifarSet]

    @property
    def archive(self) -> Archive:
        """The one to download, which holds no pickles."""
        return self.published.archives[0]

    def check(self, request: DataRequest) -> str:
        """Say where it comes from, by the names in archives and folders.

        Raises:
            InputError: nothing usable at the path, or a damaged archive in a usual place.
        """
        path, archive = self._find(request.data_path)
        if path is None:
            return download_words(self.archive)
        layout = find_layout(path, self.published)
        if archive is not None and layout.kind == "archive":
            check_bytes(path, archive)
        return request.data_path if request.data_path is not None else shown(path)

    def count(self, request: DataRequest) -> tuple[int, int]:
        return IMAGES

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        path, archive = self._find(request.data_path)
        if path is None:
            path = download_archive(self.archive, self.title, progress, on_download)
            archive = None  # verified while downloaded
        layout = find_layout(path, self.published)
        if archive is not None and layout.kind == "archive":
            check_bytes(path, archive)
            check_hash(path, archive, progress)
        train, test = read_layout(layout, progress)
        names = self.published.class_names
        tested = Counter(test.labels.tolist())
        counts = [tested[label] for label in range(len(names))]
        return Dataset(
            train.images,
            train.labels,
            test.images,
            test.labels,
            names,
            str(path),
            warnings=tuple(untested(names, counts)),
        )

    def locate(self) -> Path | None:
        return self._find(None)[0]

    def verify(self, path: Path, progress: Progress) -> None:
        archive = dict(self._archive_names()).get(path.name)
        if archive is not None and path.is_file():
            check_bytes(path, archive)
            check_hash(path, archive, progress)

    def report(self, request: DataRequest, progress: Progress) -> Report:
        """Return the published figures: all classes have equally many images."""
        names = self.published.class_names
        train, test = (images // len(names) for images in IMAGES)
        classes = tuple(ClassCount(each, train, test) for each in names)
        sides = (SIDE, SIDE)
        return Report(self.name, self.check(request), classes, sides, sides, {"RGB": sum(IMAGES)})

    def _find(self, data_path: str | None) -> tuple[Path | None, Archive | None]:
        """Return the data and the archive that they are by name, each None where there is none."""
        if data_path is not None:
            path = Path(os.path.expanduser(data_path))
            by_file = {archive.file: archive for archive in self.published.archives}
            return path, by_file.get(path.name)
        for folder in usual_folders():
            for name, archive in self._archive_names():
                if os.path.isfile(folder / name):  # False where the folder may not be read
                    return folder / name, archive
        return next(self._extracted(), None), None

    def _archive_names(self) -> Iterator[tuple[str, Archive]]:
        for archive in self.published.archives:
            yield archive.file, archive
        for name in self.published.keras_archives:
            yield name, self.published.archives[-1]

    def _extracted(self) -> Iterator[Path]:
        for folder in usual_folders():
            for name in self.published.folders:
                try:
                    yield find_layout(folder / name, self.published).path
                except InputError:
                    continue  # an extraction cut short is no reason not to look further


class Cifar10(CifarSource):
    """60,000 images of 10 classes."""

    published = CIFAR10


class Cifar100(CifarSource):
    """60,000 images of 100 classes."""

    published = CIFAR100
