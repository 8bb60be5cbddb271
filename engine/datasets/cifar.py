"""CIFAR-10 and CIFAR-100: where they are looked for and how they are loaded."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.common.folders import cache_folder, home
from engine.common.progress import Progress
from engine.datasets.archives import Archive, CifarSet
from engine.datasets.dataset import Dataset
from engine.datasets.layouts import find_layout, read_layout
from engine.datasets.seen import untested
from engine.download.mirror import chosen_mirror, obtain
from engine.download.transfer import file_hash
from engine.errors import InputError
from engine.keras_setup.loading import keras_folder

IMAGES = (50_000, 10_000)
"""To train and to test, of CIFAR-10 and CIFAR-100 alike."""


def check(cifar: CifarSet, data_path: str | None) -> str:
    """Say where the data set will come from, from names, sizes and headers alone.

    Raises:
        InputError: nothing usable at `data_path`, or a damaged archive in a usual place.
    """
    path, archive = _locate(cifar, data_path)
    if path is None:
        return f"to download: {cifar.archives[0].bytes / 1e6:.0f} MB"
    layout = find_layout(path, cifar)
    if archive is not None and layout.kind == "archive":
        _check_bytes(path, archive)
    return data_path if data_path is not None else _with_tilde(path)


def load(
    cifar: CifarSet,
    data_path: str | None,
    progress: Progress,
    on_download: Callable[[str], None] | None = None,
) -> Dataset:
    """Read the data set from `data_path`, else from a usual place, else from the network.

    Raises:
        InputError: what is wrong and what to do.
    """
    path, archive = _locate(cifar, data_path)
    if path is None:
        path = _download(cifar, progress, on_download)
        archive = None  # verified as it came
    layout = find_layout(path, cifar)
    if archive is not None and layout.kind == "archive":
        _check_bytes(path, archive)
        _check_hash(path, archive, progress)
    train, test = read_layout(layout, progress)
    tested = Counter(test.labels.tolist())
    counts = [tested[label] for label in range(len(cifar.class_names))]
    return Dataset(
        cifar.name,
        train.images,
        train.labels,
        test.images,
        test.labels,
        cifar.class_names,
        str(path),
        warnings=tuple(untested(cifar.class_names, counts)),
    )


def is_here(cifar: CifarSet) -> bool:
    """Whether something in a usual place has its name; opens no archive."""
    return _locate(cifar, None)[0] is not None


def find(cifar: CifarSet, progress: Progress) -> Path | None:
    """Where it lies in a usual place, an archive once its hash is seen to be right; else None.

    Raises:
        InputError: a damaged archive is there.
    """
    path, archive = _locate(cifar, None)
    if path is not None and archive is not None:
        _check_bytes(path, archive)
        _check_hash(path, archive, progress)
    return path


def usual_folders() -> tuple[Path, Path]:
    """Where archives are looked for: Keras' folder, then the user's cache, where downloads go."""
    return keras_folder() / "datasets", cache_folder() / "datasets"


def _locate(cifar: CifarSet, data_path: str | None) -> tuple[Path | None, Archive | None]:
    """The data and the archive they claim by name to be, each None where there is none."""
    by_file = {archive.file: archive for archive in cifar.archives}
    if data_path is not None:
        path = Path(os.path.expanduser(data_path))
        return path, by_file.get(path.name)
    for folder in usual_folders():
        for name, archive in _archive_names(cifar):
            if os.path.isfile(folder / name):  # False where the folder may not be read
                return folder / name, archive
    return next(_extracted(cifar), None), None


def _archive_names(cifar: CifarSet) -> Iterator[tuple[str, Archive]]:
    for archive in cifar.archives:
        yield archive.file, archive
    for name in cifar.keras_archives:
        yield name, cifar.archives[-1]


def _extracted(cifar: CifarSet) -> Iterator[Path]:
    for folder in usual_folders():
        for name in cifar.folders:
            try:
                yield find_layout(folder / name, cifar).path
            except InputError:
                continue  # an extraction cut short is no reason not to look further


def _download(
    cifar: CifarSet, progress: Progress, on_download: Callable[[str], None] | None
) -> Path:
    source = cifar.archives[0]
    if on_download is not None:
        host = chosen_mirror() or source.url.split("/")[2]
        on_download(f"{cifar.title}, {source.bytes / 1e6:.0f} MB from {host}")
    return obtain(
        f"datasets/{source.file}",
        source.url,
        usual_folders()[1] / source.file,
        expected_bytes=source.bytes,
        expected_hash=source.hash,
        progress=progress,
        option="--data",
        arguments=f"--dataset {cifar.name}",
    )


def _check_bytes(path: Path, source: Archive) -> None:
    if (found := path.stat().st_size) != source.bytes:
        raise InputError(
            f"{path}: expected the {source.bytes:,} bytes of the official archive, "
            f"found {found:,}, so it is truncated or another; {_WAYS_OUT}"
        )


def _check_hash(path: Path, source: Archive, progress: Progress) -> None:
    algorithm, _, expected = source.hash.partition(":")
    if (found := file_hash(path, algorithm, progress)) != expected:
        raise InputError(
            f"{path}: wrong hash: expected the official archive's {algorithm} {expected}, "
            f"found {found}; {_WAYS_OUT}"
        )


_WAYS_OUT = "delete it and fetch it again, or extract it and name the folder with --data"


def _with_tilde(path: Path) -> str:
    own = home()
    return f"~/{path.relative_to(own)}" if path.is_relative_to(own) else str(path)
