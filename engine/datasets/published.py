"""A published archive: where it is looked for, how it is verified, how it is downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.common.folders import cache_folder, home
from engine.common.progress import Progress
from engine.download.transfer import Download, file_hash
from engine.errors import InputError
from engine.keras_setup.loading import keras_folder

OnDownload = Callable[[str], None]
"""Called with a phrase before a download begins; what it raises prevents it."""
_WAYS_OUT = "delete it and fetch it again, or extract it and name the folder with `data_path`"


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that holds a whole data set, as it is published."""

    url: str
    file: str
    """Its name on this machine: letters, digits, `.`, `_` and `-`."""
    hash: str
    """`md5:<hex>` or `sha256:<hex>`, as published."""
    bytes: int


def usual_folders() -> tuple[Path, Path]:
    """Return the folders to search for archives: Keras', then the user's cache of downloads."""
    return keras_folder() / "datasets", cache_folder() / "datasets"


def find_archive(archive: Archive) -> Path | None:
    """Return its path in a usual folder, by its name alone; None if it is in none."""
    paths = (folder / archive.file for folder in usual_folders())
    # False where the folder may not be read
    return next((path for path in paths if os.path.isfile(path)), None)


def check_bytes(path: Path, archive: Archive) -> None:
    """Reject a file of another length.

    Raises:
        InputError: it is truncated, or another file.
    """
    if (found := path.stat().st_size) != archive.bytes:
        expected = f"the {archive.bytes:,} bytes of the official archive"
        raise InputError(path, expected, f"{found:,}", _WAYS_OUT)


def check_hash(path: Path, archive: Archive, progress: Progress) -> None:
    """Reject a file of another content, calling `progress` with the bytes.

    Raises:
        InputError: it is damaged, or another file.
    """
    if (found := file_hash(path, archive.hash, progress)) != archive.hash:
        expected = f"the official archive's {archive.hash.replace(':', ' ')}"
        raise InputError(path, expected, found.partition(":")[2], _WAYS_OUT)


def download_archive(
    archive: Archive, title: str, progress: Progress, on_download: OnDownload
) -> Path:
    """Download an archive into the user's cache, verified while it arrives.

    Args:
        archive: what to download.
        title: of the data set, for `on_download` and the error.
        progress: called with the bytes.
        on_download: called before it begins.

    Raises:
        InputError: the network, the server, the file or the disk is not as expected.
    """
    on_download(f"{title}, {archive.bytes / 1e6:.0f} MB from {archive.url.split('/')[2]}")
    destination, instead = archive_destination(archive), " or name it with `data_path`"
    rather = "train on cifar10-mini, which is built in, "
    download = Download(
        archive.url, destination, title, archive.hash, archive.bytes, instead, rather
    )
    return download.run(progress)


def archive_destination(archive: Archive) -> Path:
    """Return the path to which it is downloaded."""
    return usual_folders()[1] / archive.file


def shown(path: Path) -> str:
    """Return a path for a screen, with `~` for the home folder."""
    own = home()
    return f"~/{path.relative_to(own)}" if path.is_relative_to(own) else str(path)
