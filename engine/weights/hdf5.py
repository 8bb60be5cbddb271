"""Open weights files that may be anything, and read from them without trusting them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from engine.common.regular_file import open_regular
from engine.errors import InputError

if TYPE_CHECKING:
    import h5py

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"
ARCHIVE_MEMBER = "model.weights.h5"
WHAT_IS_READ = "a Keras weights file (.weights.h5, .h5 or .keras)"


def check_signature(path: Path) -> None:
    """Reject what cannot be a weights file, by its first bytes.

    Raises:
        InputError: missing, not a file, empty, unreadable, or neither HDF5 nor a `.keras` archive.
    """
    if os.path.isdir(path):
        raise InputError(f"{path}: expected {WHAT_IS_READ}, found a folder; name the file in it")
    try:
        with open_regular(path) as file:
            start = file.read(len(HDF5_SIGNATURE))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{path}: expected {WHAT_IS_READ}, found nothing there; check the path"
        ) from error
    except (OSError, ValueError, InputError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise InputError(
            f"{path}: expected {WHAT_IS_READ}, cannot read it: {reason}; check the path"
        ) from error
    wanted = ZIP_SIGNATURE if path.suffix == ".keras" else HDF5_SIGNATURE
    if not start:
        raise InputError(f"{path}: expected {WHAT_IS_READ}, found an empty file; fetch it again")
    if not start.startswith(wanted):
        raise InputError(f"{path}: expected {WHAT_IS_READ}, found something else; check the path")


def open_weights(path: Path) -> h5py.File:
    """Open a weights file for reading; the caller closes it.

    Raises:
        InputError: not a weights file, or a damaged one.
    """
    import h5py

    check_signature(path)
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                return h5py.File(archive.open(ARCHIVE_MEMBER), "r")
        return h5py.File(path, "r")
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: expected {WHAT_IS_READ}, found a truncated or damaged one; fetch it again"
        ) from error


def read_group(parent: h5py.Group, name: str) -> h5py.Group:
    """Return the group of this name inside `parent`; links out of the file are not followed.

    Raises:
        ValueError: no such group.
    """
    import h5py

    child = _follow(parent, name)
    if not isinstance(child, h5py.Group):
        raise ValueError(f"{name} is no group")
    return child


def read_dataset(parent: h5py.Group, name: str) -> h5py.Dataset:
    """Return the dataset of this name inside `parent`; data outside the file is not read.

    Raises:
        ValueError: no such dataset, or not one of plain numbers kept in this file.
    """
    import h5py

    child = _follow(parent, name)
    if not isinstance(child, h5py.Dataset) or child.dtype.kind not in "fiub":
        raise ValueError(f"{name} is no dataset of numbers")
    if child.external or child.is_virtual:
        raise ValueError(f"{name} keeps its data in another file")
    return child


def read_names(group: h5py.Group, attribute: str) -> list[str] | None:
    """Return a list of names that Keras keeps in an attribute, or in parts of it; None without."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        parts = []
        while f"{attribute}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{len(parts)}"])
        if not parts:
            return None
    names = [name for part in parts for name in part]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _follow(parent: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    import h5py

    current = parent
    for part in name.split("/"):
        if not isinstance(current, h5py.Group) or part not in current:
            raise ValueError(f"{name} is missing")
        if not isinstance(current.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link")
        current = current[part]
    return current
