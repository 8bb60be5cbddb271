"""A folder of the user's own images as a data set."""

from __future__ import annotations

from pathlib import Path

from engine.common.progress import Progress
from engine.datasets.dataset import Dataset
from engine.datasets.image_folder import list_folder
from engine.datasets.published import OnDownload
from engine.datasets.report import ClassCount, Report
from engine.datasets.seen import imbalance
from engine.datasets.source import DataRequest, DatasetSource
from engine.datasets.split import check_training
from engine.errors import InputError

REPORT_SIDE = 8
"""Pixels to which images are resized for a report: small sizes decode JPEGs faster."""


class FolderSource(DatasetSource):
    """`<class>/*.jpg`, or `train/` and `test/` of such folders, at the request's path."""

    def check(self, request: DataRequest) -> str:
        """Count images and classes by the names of the files; see the base class.

        Raises:
            InputError: it is not such a folder, or a class has too few images to train on, or to
                hold that share out.
        """
        listing = list_folder(_path(request))
        labels = [label for _, label in listing.train[: request.train_limit]]
        is_limited = len(labels) < len(listing.train)
        check_training(labels, request.validation, listing.class_names, is_limited=is_limited)
        images = len(listing.train) + len(listing.test)
        return f"{images:,} images of {len(listing.class_names):,} classes"

    def count(self, request: DataRequest) -> tuple[int, int]:
        listing = list_folder(_path(request))
        return len(listing.train), len(listing.test)

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        from engine.datasets.image_reading import read_listing

        is_new = request.train_limit != 0 and not request.has_begun
        return read_listing(
            list_folder(_path(request), is_trained_on=is_new),
            request.image_size,
            request.train_limit,
            progress,
            request.range_of,
        )

    def report(self, request: DataRequest, progress: Progress) -> Report:
        """Decode each image; see the base class.

        Raises:
            InputError: it is not such a folder, or has no image that can be read.
        """
        from engine.datasets.image_reading import read_splits

        path = _path(request)
        listing = list_folder(path)
        splits = read_splits(listing, REPORT_SIDE, None, progress)
        seen = splits.seen
        if not seen.sizes:
            raise InputError(
                f"{path}: expected readable images, found none, first {seen.unreadable[0]}; "
                "replace the files"
            )
        widths, heights = zip(*seen.sizes, strict=True)
        counts = [split.counts(len(listing.class_names)) for split in (splits.train, splits.test)]
        classes = tuple(map(ClassCount, listing.class_names, *counts))
        uneven = imbalance(listing.class_names, [each.images for each in classes])
        return Report(
            self.name,
            str(path),
            classes,
            (min(widths), max(widths)),
            (min(heights), max(heights)),
            dict(seen.modes.most_common()),
            tuple(seen.unreadable),
            (*listing.notes, *splits.notes),
            (*listing.warnings, *uneven, *splits.warnings),
        )


def _path(request: DataRequest) -> Path:
    assert request.data_path is not None  # a folder is recorded with its path
    return Path(request.data_path)
