"""CIFAR-10 and CIFAR-100: where they are looked for and how they are loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from engine.common.progress import Progress
from engine.datasets.archives import CIFAR10, CIFAR100, CifarSet
from engine.datasets.dataset import Dataset
from engine.datasets.layouts import SIDE, find_layout, read_layout
from engine.datasets.published import Archive, OnDownload, usual_folders
from engine.datasets.report import ClassCount, Report, untested
from engine.datasets.source import DataRequest, DatasetSource
from engine.errors import InputError

IMAGES = (50_000, 10_000)
"""Images to train and to test, of CIFAR-10 and CIFAR-100 alike."""


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
        path = self._requested_path(request)
        if path is not None:
            find_layout(path, self.published)
        return super().check(request)

    def count(self, request: DataRequest) -> tuple[int, int]:
        return IMAGES

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        path = self.obtain(request, progress, on_download)
        train, test = read_layout(find_layout(path, self.published), progress, self.published)
        names = self.published.class_names
        warnings = tuple(untested(names, test.labels.tolist()))
        return Dataset(*train, *test, names, str(path), warnings=warnings)

    def locate(self) -> Path | None:
        return next(self._usual_paths(), None)

    def report(self, request: DataRequest, progress: Progress) -> Report:
        """Return the published figures: all classes have equally many images."""
        names = self.published.class_names
        train, test = (images // len(names) for images in IMAGES)
        classes = tuple(ClassCount(each, train, test) for each in names)
        sides = (SIDE, SIDE)
        return Report(self.name, self.check(request), classes, sides, sides, {"RGB": sum(IMAGES)})

    def _published_archive(self, path: Path) -> Archive | None:
        return self.published.by_file.get(path.name)

    def _usual_paths(self) -> Iterator[Path]:
        for folder in usual_folders():
            # False where the folder may not be read
            yield from filter(os.path.isfile, (folder / name for name in self.published.by_file))
        for folder in usual_folders():
            for name in self.published.folders:
                with suppress(InputError):  # an extraction cut short: look further
                    yield find_layout(folder / name, self.published)


class Cifar10(CifarSource):
    """60,000 images of 10 classes."""

    published = CIFAR10


class Cifar100(CifarSource):
    """60,000 images of 100 classes."""

    published = CIFAR100
