"""What `--dataset` may name: a data set that is known, or a folder of images of one's own."""

from __future__ import annotations

import os
from pathlib import Path

from engine.common.text import printable
from engine.errors import InputError

KNOWN = ("cifar10", "cifar100", "digits")
FOLDER = "folder:"
"""Begins the name of a folder of images, so that no folder is taken for a known data set."""
TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "digits": "handwritten digits"}


def resolve(name: str, data_path: str | None) -> tuple[str, str | None]:
    """The name under which a data set is recorded, and where its files lie.

    Args:
        name: a known data set, or the path of a folder of images; what this function gave is
            given back as it is.
        data_path: where the files of a known data set lie; None for the usual places.

    Returns:
        For a folder `folder:<its name>` and its absolute path.

    Raises:
        InputError: neither a known data set nor a folder.
    """
    if name in KNOWN or (is_folder(name) and data_path is not None):
        return name, data_path
    path = Path(os.path.expanduser(name))  # Path's own raises where there is no such user
    if not name or not os.path.isdir(path):
        is_file = bool(name) and os.path.exists(path)
        found = "a file" if is_file else "no such data set or folder"
        hint = "name the folder that holds a folder for each class" if is_file else "check it"
        raise InputError(
            f"--dataset: expected {', '.join(KNOWN)} or a folder of images, "
            f"found {name!r}, {found}; {hint}"
        )
    if data_path is not None:
        raise InputError(
            f"--data: expected no path beside the folder {name}, found {data_path!r}; "
            "leave one of the two out"
        )
    absolute = Path(os.path.abspath(path))
    shown = printable(absolute.name or "/")
    return f"{FOLDER}{shown}", str(absolute)


def is_folder(name: str) -> bool:
    """Whether a recorded name is that of a folder of images."""
    return name.startswith(FOLDER)


def short(name: str) -> str:
    """How a data set is called where its option is meant, and a folder by its own name."""
    return name.removeprefix(FOLDER)


def title(name: str) -> str:
    """How a data set is called on a screen."""
    return TITLES.get(name, name.removeprefix(FOLDER))
