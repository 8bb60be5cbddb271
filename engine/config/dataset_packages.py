"""The data sets of installed packages, by their entry points: names only, no package is loaded.

A package offers a data set in its `pyproject.toml`:

    [project.entry-points."cifar_tui.datasets"]
    stripes = "stripes_data:Stripes"
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from engine.common.text import printable
from engine.config.dataset_names import BUILT_IN, NAME, DatasetRow
from engine.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "cifar_tui.datasets"
_OBJECT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Installed(NamedTuple):
    """What installed packages offer."""

    rows: tuple[DatasetRow, ...]
    """Those that can be used, by name."""
    problems: dict[str, InputError]
    """Why one cannot be used, by the name in its package; under an empty name why none can be
    found."""


@cache
def installed() -> Installed:
    """Read the metadata of all installed packages, once in a process."""
    from importlib.metadata import entry_points

    try:
        entries = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    # Damaged metadata of a package may raise anything.
    except Exception as error:
        found = printable(f"{type(error).__name__}: {error}")[:200]
        unreadable = InputError(
            "dataset",
            "entry points of installed packages that can be read",
            found,
            "`pip check` may name the package",
        )
        return Installed((), {"": unreadable})
    rows = list[DatasetRow]()
    problems = dict[str, InputError]()
    for name, same in groupby(entries, key=lambda entry: entry.name):
        # Extras, as in `module:Class [extra]`, are the installer's.
        found_rows = [
            DatasetRow(name, name, each.value.partition("[")[0].replace(" ", ""), _package(each))
            for each in same
        ]
        if problem := _problem(printable(name), found_rows):
            problems[name] = problem
        else:
            rows += found_rows
    return Installed(tuple(rows), problems)


def _package(entry: EntryPoint) -> str:
    """Return name and version of the package, or its module where its metadata name none."""
    try:
        assert entry.dist is not None  # it was found in one
        words = " ".join(filter(None, (entry.dist.name, entry.dist.version)))
    except Exception:  # unreadable metadata may raise anything
        words = ""
    return printable(words) or printable(entry.value.partition(":")[0])


def _problem(name: str, rows: list[DatasetRow]) -> InputError | None:
    """Return why these cannot be used under their one name; None where there is one that can."""
    packages = " and ".join(row.package for row in rows)
    source = rows[0].source
    if any(row.name == name for row in BUILT_IN):
        expected, found = "a name that is not built in", f"{name!r} in {packages}"
        hint = "it is left alone"
    elif len(rows) > 1:
        expected, found = f"one package with a data set {name!r}", packages
        hint = "uninstall all but one"
    elif not NAME.fullmatch(name):
        expected = "a data set's name of lower-case letters, digits, - and _, at most 40"
        found, hint = f"{name!r} in {packages}", "ask its authors to rename it"
    elif not _OBJECT.fullmatch(source):
        expected = f"module:Class at the entry point {name!r} of {packages}"
        found, hint = repr(printable(source)), "ask its authors to correct it"
    else:
        return None
    return InputError("dataset", expected, found, hint)
