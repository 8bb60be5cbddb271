"""Packages that provide data sets, on the disk as an installer leaves them; the page's code."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.config.dataset_packages import GROUP, installed
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "contributing" / "add-a-data-set.md"
BIRDS = """
import numpy as np

from engine.datasets.dataset import Dataset
from engine.datasets.source import DatasetSource


def arrays(**others):
    images = (np.arange(40 * 8 * 8 * 3) % 251).astype(np.uint8).reshape(40, 8, 8, 3)
    labels = np.arange(40) % 2
    usual = {
        "train_images": images[:30],
        "train_labels": labels[:30],
        "test_images": images[30:],
        "test_labels": labels[30:],
        "class_names": ("gull", "tern"),
    }
    return Dataset(**(usual | others))


class Birds(DatasetSource):
    def count(self, request):
        return 30, 10

    def load(self, request, progress, on_download):
        return arrays()
"""
"""A module with a data set of 30 and 10 images, to which a test adds a defect."""


def page_files() -> dict[str, str]:
    """Return the code blocks of the page, by the file that their first line names."""
    blocks = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return dict(blocks)


def write_package(
    folder: Path,
    entry_points: Mapping[str, str],
    modules: Mapping[str, str],
    *,
    name: str = "birds-data",
    version: str = "1.2",
) -> Path:
    """Write a package into a folder of packages, with its metadata; returns that folder.

    Args:
        folder: created if missing.
        entry_points: `module:Class` by the name of the data set.
        modules: their text, by file.
        name: of the package.
        version: of the package.
    """
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
    for file, text in modules.items():
        (folder / file).write_text(text)
    return folder


def write_dots(folder: Path) -> Path:
    """Write the package of the page; returns the folder of packages."""
    files = page_files()
    project = tomllib.loads(files["pyproject.toml"])["project"]
    return write_package(
        folder,
        project["entry-points"][GROUP],
        {"dots_data.py": files["dots_data.py"]},
        name=project["name"],
        version=project["version"],
    )


@contextmanager
def installed_in(folder: Path) -> Iterator[None]:
    """Make this process find the packages of a folder, and forget them at the end."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        installed.cache_clear()
        try:
            yield
        finally:
            for name in set(sys.modules) - before:
                file = getattr(sys.modules[name], "__file__", None)
                if file and Path(file).is_relative_to(folder):
                    del sys.modules[name]
    installed.cache_clear()
