"""What `--dataset` may name: a built-in data set, one of a package, or a folder of images."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from engine.common.text import printable
from engine.errors import InputError

FOLDER = "folder:"
"""Prefix of a folder of images, so that no folder is taken for a data set's name."""
NAME = re.compile("[a-z0-9][a-z0-9_-]{0,39}")
"""What a data set may be called: nothing that a shell expands, and no path."""


class DatasetRow(NamedTuple):
    """A data set that can be named, before anything of it is loaded."""

    name: str
    title: str
    """Its name on a screen."""
    source: str
    """`module:Class` of its `engine.datasets.source.DatasetSource`, imported at use."""
    package: str = ""
    """Name and version of the installed package that brings it; empty for a built-in one."""


BUILT_IN = (
    DatasetRow("cifar10", "CIFAR-10", "engine.datasets.cifar:Cifar10"),
    DatasetRow("cifar100", "CIFAR-100", "engine.datasets.cifar:Cifar100"),
    DatasetRow("cifar10-mini", "CIFAR-10 mini", "engine.datasets.cifar10_mini:Cifar10Mini"),
    DatasetRow("digits", "handwritten digits", "engine.datasets.digits:Digits"),
)
_IMAGE_FOLDER = "engine.datasets.image_folder:FolderSource"


def find_row(name: str) -> DatasetRow | None:
    """Return the data set of this recorded name; None where nothing here brings one.

    Installed packages are asked only for what is not built in, and none of them is loaded.

    Raises:
        InputError: an installed package names it in a way that cannot be used.
    """
    if is_folder(name):
        return DatasetRow(name, short(name), _IMAGE_FOLDER)
    row = next((row for row in BUILT_IN if row.name == name), None)
    if row is not None or not NAME.fullmatch(name):
        return row
    from engine.config.dataset_packages import installed

    _check_problem(name)
    return next((row for row in installed().rows if row.name == name), None)


def known_names() -> tuple[str, ...]:
    """Return the names of all data sets, those of installed packages last; loads none."""
    from engine.config.dataset_packages import installed

    return tuple(row.name for row in (*BUILT_IN, *installed().rows))


def package_of(name: str) -> str:
    """Return name and version of the package that brings a data set; empty for all others."""
    try:
        row = find_row(name)
    except InputError:
        return ""
    return row.package if row is not None else ""


def resolve(name: str, data_path: str | None) -> tuple[str, str | None]:
    """Return the name under which a data set is recorded, and where its files lie.

    Args:
        name: of a data set, or the path of a folder of images; what this function returned is
            returned as it is.
        data_path: where the files of a named data set lie; None for the usual places.

    Returns:
        For a folder `folder:<its name>` and its absolute path.

    Raises:
        InputError: neither a data set nor a folder.
    """
    is_recorded = data_path is not None if is_folder(name) else find_row(name) is not None
    if is_recorded:
        return name, data_path
    path = Path(os.path.expanduser(name))  # Path's own raises where there is no such user
    if not name or not os.path.isdir(path):
        _check_problem(name, "")
        is_file = bool(name) and os.path.exists(path)
        found = "a file" if is_file else "no such data set or folder"
        hint = "name the folder that holds a folder for each class" if is_file else "check it"
        expected = f"{', '.join(known_names())} or a folder of images"
        raise InputError("dataset", expected, f"{name!r}, {found}", hint)
    if data_path is not None:
        raise InputError(
            "data_path",
            f"no path beside the folder {name}",
            repr(data_path),
            "leave one of the two out",
        )
    absolute = Path(os.path.abspath(path))
    shown = printable(absolute.name or "/")
    return f"{FOLDER}{shown}", str(absolute)


def is_folder(name: str) -> bool:
    """Return whether a recorded name is that of a folder of images."""
    return name.startswith(FOLDER)


def short(name: str) -> str:
    """Return the name of a data set as `--dataset` takes it, and of a folder without its path."""
    return name.removeprefix(FOLDER)


def title(name: str) -> str:
    """Return the name of a data set on a screen, whether or not its package is installed here."""
    return next((row.title for row in BUILT_IN if row.name == name), short(name))


def _check_problem(*names: str) -> None:
    """Raise the error that keeps one of these from being used."""
    from engine.config.dataset_packages import installed

    problems = installed().problems
    for name in names:
        if name in problems:
            raise problems[name]
