"""Open weights files that may be anything, and read from them without trusting them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.common.regular_file import open_regular
from engine.errors import InputError

if TYPE_CHECKING:
    import h5py

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"
ARCHIVE_MEMBER = "model.weights.h5"
WHAT_IS_READ = "a Keras weights file (.weights.h5, .h5 or .keras)"


@contextmanager
def open_weights(path: Path) -> Iterator[h5py.File]:
    """Open a weights file for reading, as long as the block takes.

    Raises:
        InputError: missing, not a file, empty, unreadable, neither HDF5 nor a `.keras` archive,
            damaged, or with links or data outside the file.
    """
    import h5py

    _check_signature(path)
    with ExitStack() as stack:
        try:
            source: Any = path
            if path.suffix == ".keras":
                archive = stack.enter_context(zipfile.ZipFile(path))
                source = stack.enter_context(archive.open(ARCHIVE_MEMBER))
            file = stack.enter_context(h5py.File(source, "r"))
            _check_inside(file)
        except Exception as error:  # h5py, zipfile and zlib raise any kind for what is damaged
            found = f"a truncated or damaged one: {one_line(error)}"
            raise InputError(path, WHAT_IS_READ, found, "fetch it again") from error
        yield file


def one_line(error: Exception) -> str:
    """Return the words of another library's error, in one line and not at any length."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _check_signature(path: Path) -> None:
    """Reject what cannot be a weights file, by its first bytes."""
    hint = "check the path"
    try:
        with open_regular(path) as file:
            start = file.read(len(HDF5_SIGNATURE))
    except (OSError, ValueError, InputError) as error:
        found = getattr(error, "strerror", "") or getattr(error, "found", "") or str(error)
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            found = "nothing there"
        elif os.path.isdir(path):
            found, hint = "a folder", "name the file in it"
        raise InputError(path, WHAT_IS_READ, found, hint) from error
    wanted = ZIP_SIGNATURE if path.suffix == ".keras" else HDF5_SIGNATURE
    if not start:
        raise InputError(path, WHAT_IS_READ, "an empty file", "fetch it again")
    if not start.startswith(wanted):
        raise InputError(path, WHAT_IS_READ, f"one that begins with {start!r}", hint)


def _check_inside(file: h5py.File) -> None:
    """Reject links, and arrays that are not of numbers kept in this file."""
    import h5py

    # What these return ends the visit; h5py does not pass on what they raise.
    def of_link(name: str, link: object) -> str | None:
        return None if isinstance(link, h5py.HardLink) else f"{name} is a link"

    def of_item(name: str, item: h5py.Group | h5py.Dataset) -> str | None:
        if not isinstance(item, h5py.Dataset):
            return None
        if item.dtype.kind not in "fiub":
            return f"{name} is no array of numbers"
        is_here = not (item.external or item.is_virtual)
        return None if is_here else f"{name} keeps its data in another file"

    if problem := file.visititems_links(of_link) or file.visititems(of_item):
        raise ValueError(problem)


def read_names(group: h5py.Group, attribute: str) -> list[str]:
    """Return the names that Keras keeps in an attribute, or in numbered parts of a long one."""
    parts = (attribute, *(f"{attribute}{i}" for i in range(len(group.attrs))))
    names = [name for part in parts for name in group.attrs.get(part, ())]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
