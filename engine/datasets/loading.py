"""The data set of a run by its name: found, checked, read whole."""

from __future__ import annotations

from engine.common.progress import Progress
from engine.config.dataset_names import find_row, resolve
from engine.config.recipe_store import find_recipe
from engine.config.settings import Options
from engine.datasets.dataset import Dataset
from engine.datasets.packaged import PackagedSource, imported
from engine.datasets.published import OnDownload
from engine.datasets.sample_ranges import RangeOf
from engine.datasets.source import FOLDER_SIDE, DataRequest, DatasetSource, ignore_download
from engine.errors import InputError


def find_source(name: str, data_path: str | None = None) -> tuple[DatasetSource, str | None]:
    """Return a data set and where its files lie, by what `resolve` takes or has returned.

    Raises:
        InputError: no such data set or folder, or its package is not as it should be.
    """
    name, data_path = resolve(name, data_path)
    row = find_row(name)
    assert row is not None  # `resolve` rejects what has none
    if row.package:
        return PackagedSource(row), data_path
    return imported(row.source)(row.name, row.title), data_path


def check_dataset(options: Options) -> str:
    """Say where the data will come from, after the quick checks.

    Reads only names and headers: `load_dataset` checks hashes and the images themselves.

    Raises:
        InputError: no such data set, nothing at the path that could be one, or too few images of a
            class to train on, or to hold the asked share out.
    """
    source, path = find_source(options.dataset, options.data_path)
    share = options.validation
    if share is None:
        share = find_recipe(options.recipe).validation
    request = DataRequest(path, train_limit=options.train_limit, validation=share)
    try:
        return source.check(request)
    except InputError as error:
        raise (error.within("", "data_path") if options.data_path else error) from error


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
    source, path = find_source(name, data_path)
    request = DataRequest(path, image_size, train_limit, range_of=range_of, has_begun=has_begun)
    return source.load(request, progress, on_download or ignore_download)
