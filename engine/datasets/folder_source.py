"""A folder of the user's own images as a data set."""

from __future__ import annotations

from pathlib import Path

from engine.common.progress import Progress
from engine.datasets.dataset import Dataset
from engine.datasets.image_folder import list_folder
from engine.datasets.published import OnDownload
from engine.datasets.report import Report, report_of
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

        limit = request.train_limit
        listing = list_folder(_path(request), is_trained_on=limit != 0 and not request.has_begun)
        return read_listing(listing, request.image_size, limit, progress, request.range_of)

    def report(self, request: DataRequest, progress: Progress) -> Report:
        """Decode each image; see the base class.

        Raises:
            InputError: it is not such a folder, or has no image that can be read.
        """
        from engine.datasets.image_reading import read_listing

        listing = list_folder(_path(request))
        data = read_listing(listing, REPORT_SIDE, None, progress, is_report=True)
        if not data.seen.sizes:
            found = f"none, first {data.left_out[0]}"
            raise InputError(listing.path, "readable images", found, "replace the files")
        return report_of(self.name, str(listing.path), data)


def _path(request: DataRequest) -> Path:
    assert request.data_path is not None  # a folder is recorded with its path
    return Path(request.data_path)
