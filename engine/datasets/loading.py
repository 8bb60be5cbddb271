"""The data set of a run by its name: checked, counted, read whole."""

from __future__ import annotations

from typing import Literal

from engine.common.progress import Progress, ignore_progress
from engine.config.dataset_names import find_row, resolve
from engine.datasets.dataset import Dataset
from engine.datasets.packaged import PackagedSource, imported
from engine.datasets.published import OnDownload
from engine.datasets.report import Report
from engine.datasets.sample_ranges import RangeOf
from engine.datasets.source import FOLDER_SIDE, DataRequest, DatasetSource, ignore_download
from engine.errors import InputError


def source_of(name: str) -> DatasetSource:
    """Return the data set of a recorded name, which `resolve` gave.

    Raises:
        InputError: no data set of that name is installed, or its package is not as it should be.
    """
    row = find_row(name)
    if row is None:
        raise InputError("dataset", "a data set that is here", repr(name), "check it")
    if row.package:
        return PackagedSource(row)
    source: DatasetSource = imported(row.source)(row.name, row.title)
    return source


def check_dataset(
    name: str,
    data_path: str | None,
    *,
    train_limit: int | None = None,
    validation: float | Literal["test"] = "test",
) -> str:
    """Say where the data will come from, after the quick checks.

    Reads only names and headers: `load_dataset` checks hashes and the images themselves.

    Args:
        name: of a data set, or a folder of images.
        data_path: as for `load_dataset`.
        train_limit: of a folder, no more training images than these are taken.
        validation: of a folder, the share of them that is held out; `"test"` for none.

    Raises:
        InputError: no such data set, nothing at `data_path` that could be one, or too few images
            of a class to train on, or to hold that share out.
    """
    name, data_path = resolve(name, data_path)
    request = DataRequest(data_path, train_limit=train_limit, validation=validation)
    return source_of(name).check(request)


def count_images(name: str, data_path: str | None) -> tuple[int, int]:
    """Return how many images there are to train and to test, without reading them.

    Args:
        name: of a data set, or a folder of images.
        data_path: as for `load_dataset`.

    Raises:
        InputError: no such data set, or a folder that is not one.
    """
    name, data_path = resolve(name, data_path)
    return source_of(name).count(DataRequest(data_path))


def bytes_to_download(name: str, data_path: str | None) -> int:
    """Return the bytes that `load_dataset` would download; 0 if the data are here or packaged.

    Args:
        name: of a data set, or a folder of images.
        data_path: as for `load_dataset`.

    Raises:
        InputError: no such data set.
    """
    name, data_path = resolve(name, data_path)
    source = source_of(name)
    archive = source.archive
    if archive is None or data_path is not None or source.locate() is not None:
        return 0
    return archive.bytes


def load_dataset(
    name: str,
    data_path: str | None,
    progress: Progress,
    on_download: OnDownload | None = None,
    *,
    image_size: int = FOLDER_SIDE,
    train_limit: int | None = None,
    range_of: RangeOf | None = None,
    has_begun: bool = False,
) -> Dataset:
    """Read a whole data set, downloading it if it is not on this machine.

    Args:
        name: of a data set, or a folder of images.
        data_path: archive, folder or `.npz`; None for the usual places, then the download.
        progress: called with bytes while downloading and verifying, images while reading.
        on_download: called with a phrase before a download begins.
        image_size: pixels to which the images of a folder are resized; the others keep theirs.
        train_limit: of a folder no more training images are read than these; 0 reads the test
            images of an earlier run, and does not check the folder for new ones.
        range_of: how samples of more than 8 bits in a folder's images are scaled; None finds a
            range for each format from the training images.
        has_begun: whether an earlier process has trained on a folder, whose classes are then taken
            as they were.

    Raises:
        InputError: what is wrong with the data or the network, and what to do.
    """
    name, data_path = resolve(name, data_path)
    request = DataRequest(
        data_path, image_size, train_limit, range_of=range_of, has_begun=has_begun
    )
    return source_of(name).load(request, progress, on_download or ignore_download)


def report_on(name: str, progress: Progress = ignore_progress) -> Report:
    """Look at a data set; a folder's images are decoded.

    Args:
        name: of a data set, or the path of a folder of images.
        progress: called with the number of images read.

    Raises:
        InputError: no such data set, a folder that is not one, or one without a readable image.
    """
    name, data_path = resolve(name, None)
    return source_of(name).report(DataRequest(data_path), progress)
