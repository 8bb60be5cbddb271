"""The data set of a run by its name: checked, counted, read whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from engine.common.progress import Progress
from engine.config.dataset_names import is_folder, resolve
from engine.datasets import cifar, digits
from engine.datasets.archives import CIFAR_SETS, CifarSet
from engine.datasets.dataset import Dataset
from engine.datasets.image_folder import list_folder
from engine.datasets.sample_ranges import RangeOf
from engine.datasets.split import check_training

FOLDER_SIDE = 224
"""Pixels of a folder's images where no model says what it takes."""


def check_dataset(
    name: str,
    data_path: str | None,
    sets: Mapping[str, CifarSet] = CIFAR_SETS,
    *,
    train_limit: int | None = None,
    validation: float | Literal["test"] = "test",
) -> str:
    """Say in words where the data will come from, after the checks that take no time.

    Reads names and headers only: hashes and the images themselves are for `load_dataset`.

    Args:
        name: a known data set, or a folder of images.
        data_path: as for `load_dataset`.
        sets: what is known of the published ones.
        train_limit: of a folder, no more training images than these are taken.
        validation: of a folder, the share of them that is held out; `"test"` for none.

    Raises:
        InputError: no such data set, nothing at `data_path` that could be one, or too few images
            of a class to train on, or to hold that share out.
    """
    name, data_path = resolve(name, data_path)
    if is_folder(name) and data_path is not None:
        listing = list_folder(Path(data_path))
        labels = [label for _, label in listing.train[:train_limit]]
        is_limited = len(labels) < len(listing.train)
        check_training(labels, validation, listing.class_names, is_limited=is_limited)
        images = len(listing.train) + len(listing.test)
        return f"{images:,} images of {len(listing.class_names):,} classes"
    if name in sets:
        return cifar.check(sets[name], data_path)
    return digits.check(data_path)


def count_images(name: str, data_path: str | None) -> tuple[int, int]:
    """How many images there are to train and to test, by names and headers only.

    Args:
        name: a known data set, or a folder of images.
        data_path: as for `load_dataset`.

    Raises:
        InputError: no such data set, or a folder that is none.
    """
    name, data_path = resolve(name, data_path)
    if is_folder(name) and data_path is not None:
        listing = list_folder(Path(data_path))
        return len(listing.train), len(listing.test)
    return (digits.TRAIN_IMAGES, digits.TEST_IMAGES) if name == "digits" else cifar.IMAGES


def load_dataset(
    name: str,
    data_path: str | None,
    progress: Progress,
    on_download: Callable[[str], None] | None = None,
    *,
    image_size: int = FOLDER_SIDE,
    train_limit: int | None = None,
    range_of: RangeOf | None = None,
    has_begun: bool = False,
    sets: Mapping[str, CifarSet] = CIFAR_SETS,
) -> Dataset:
    """Read a data set whole, downloading it where it is nowhere on this machine.

    Args:
        name: one of `engine.config.dataset_names.KNOWN`, or a folder of images.
        data_path: archive, folder or `.npz`; None for the usual places, then the download.
        progress: told of bytes while downloading and verifying, of images while reading.
        on_download: called with a few words before a download begins.
        image_size: pixels to which the images of a folder are brought; the others keep theirs.
        train_limit: of a folder no more training images are read than these; 0 reads the test
            images of an earlier run, and does not check the folder for new ones.
        range_of: how samples of more than 8 bits in a folder's images are scaled; None finds a
            range for each format from the training images.
        has_begun: whether an earlier process has trained on a folder, whose classes are then taken
            as they were.
        sets: the published archives; the first of each is the one to download.

    Raises:
        InputError: what is wrong with the data or the network, and what to do.
    """
    name, data_path = resolve(name, data_path)
    if is_folder(name) and data_path is not None:
        from engine.datasets.image_reading import read_listing

        is_new = train_limit != 0 and not has_begun
        listing = list_folder(Path(data_path), is_trained_on=is_new)
        return read_listing(name, listing, image_size, train_limit, progress, range_of)
    if name in sets:
        return cifar.load(sets[name], data_path, progress, on_download)
    return digits.load(data_path)
