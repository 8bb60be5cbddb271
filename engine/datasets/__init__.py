"""Data sets: find, download, verify, read, split."""

from __future__ import annotations

from collections.abc import Callable

from engine.config import DATASETS
from engine.datasets import cifar10, digits
from engine.datasets.cifar10 import SOURCES, Cifar10Source
from engine.datasets.dataset import Dataset
from engine.datasets.split import limit_and_split
from engine.errors import InputError
from engine.progress import Progress

__all__ = ["Cifar10Source", "Dataset", "check_dataset", "limit_and_split", "load_dataset"]


def check_dataset(
    name: str, data_path: str | None, sources: tuple[Cifar10Source, ...] = SOURCES
) -> str:
    """Say in words where the data will come from, after the checks that take no time.

    Reads headers only: hashes and the images themselves are for `load_dataset`.

    Raises:
        InputError: no such data set, or nothing at `data_path` that could be one.
    """
    _refuse_unknown(name)
    if name == "digits":
        return digits.check(data_path)
    return cifar10.check(data_path, sources)


def load_dataset(
    name: str,
    data_path: str | None,
    progress: Progress,
    on_download: Callable[[str], None] | None = None,
    sources: tuple[Cifar10Source, ...] = SOURCES,
) -> Dataset:
    """Read a data set whole, downloading it where it is nowhere on this machine.

    Args:
        name: one of `engine.config.DATASETS`.
        data_path: archive, folder or `.npz`; None for the usual places, then the download.
        progress: told of bytes while downloading and verifying, of images while reading.
        on_download: called with a few words before a download begins.
        sources: the published archives; the first is the one to download.

    Raises:
        InputError: what is wrong with the data or the network, and what to do.
    """
    _refuse_unknown(name)
    if name == "digits":
        return digits.load(data_path)
    return cifar10.load(data_path, progress, on_download, sources)


def _refuse_unknown(name: str) -> None:
    if name not in DATASETS:
        raise InputError(f"--dataset: expected {' or '.join(DATASETS)}, found {name!r}")
