"""A data set of an installed package, checked: its errors become one line.

Its module is imported when the data set is first used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar

from engine.common.progress import Progress, ignore_progress
from engine.common.text import printable
from engine.config.dataset_names import DatasetRow
from engine.datasets.dataset import Dataset, kind_of, wrong_arrays
from engine.datasets.folder_walk import MAX_CLASSES
from engine.datasets.published import Archive, OnDownload
from engine.datasets.report import untested
from engine.datasets.source import DataRequest, DatasetSource, ignore_download
from engine.errors import InputError

_MOST_CHARACTERS = 200
"""Characters shown of a package's error."""
_ARCHIVE = {
    "url": (str, r"https?://[^/]+/.*"),
    "file": (str, r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"),
    "hash": (str, r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}"),
    "bytes": (int, r"[1-9]\d*"),
}
"""Types and forms of the fields of an archive."""
_Value = TypeVar("_Value")


def imported(source: str) -> Any:
    """Return the object that `module:name` means."""
    module, _, name = source.partition(":")
    return getattr(import_module(module), name)


class PackagedSource(DatasetSource):
    """A package's own source, whose results are checked.

    An InputError of the package itself is passed on: it says what its user can do.
    """

    def __init__(self, row: DatasetRow) -> None:
        """Import the class of a row.

        Raises:
            InputError: there is none, or it is not a data set.
        """
        super().__init__(row.name, row.title)
        self._row = row
        self._inner = self._made()
        self._archive = self._checked_archive()

    @property
    def archive(self) -> Archive | None:
        return self._archive

    def check(self, request: DataRequest) -> str:
        return printable(self._asked("check", partial(self._inner.check, request), str))

    def count(self, request: DataRequest) -> tuple[int, int]:
        found: Any = self._asked("count", partial(self._inner.count, request), tuple)
        if len(found) != 2 or not all(isinstance(each, int) and each > 0 for each in found):
            expected = "the numbers of training and test images, above 0, from count"
            raise self._unlike(expected, printable(repr(found))[:_MOST_CHARACTERS])
        return found[0], found[1]

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        told = _Listeners(progress, on_download)
        work = partial(self._inner.load, request, told.progress, told.on_download)
        return self._checked(self._asked("load", work, Dataset, told=told))

    def locate(self) -> Path | None:
        return self._asked("locate", self._inner.locate, Path, NoneType)

    def verify(self, path: Path, progress: Progress) -> None:
        told = _Listeners(progress)
        self._asked("verify", partial(self._inner.verify, path, told.progress), told=told)

    def _made(self) -> DatasetSource:
        source = self._row.source
        found = self._asked(f"the import of {source}", partial(imported, source))
        if not (isinstance(found, type) and issubclass(found, DatasetSource)):
            expected = "a class that extends engine.datasets.source.DatasetSource"
            raise self._unlike(expected, f"{kind_of(found)} at {source}")
        if missing := ", ".join(sorted(found.__abstractmethods__)):
            raise self._unlike("a class with count and load", f"{source} without {missing}")
        return self._asked(f"{found.__name__}(name, title)", partial(found, self.name, self.title))

    def _checked_archive(self) -> Archive | None:
        archive = self._asked("archive", lambda: self._inner.archive, Archive, NoneType)
        for field, (kind, form) in _ARCHIVE.items() if archive is not None else ():
            value = getattr(archive, field)
            if not (isinstance(value, kind) and re.fullmatch(form, str(value))):
                expected = f"a value for {field} of its archive that matches {form}"
                raise self._unlike(expected, printable(repr(value))[:_MOST_CHARACTERS])
        return archive

    def _checked(self, data: Dataset) -> Dataset:
        """Return the data set, after checking what the rest of the program relies on."""
        names = data.class_names
        if problem := _wrong_names(names):
            raise self._unlike(
                f"2 to {MAX_CLASSES:,} different class names that can be shown", problem
            )
        splits = {
            "train": (data.train_images, data.train_labels),
            "test": (data.test_images, data.test_labels),
        }
        for split, (images, labels) in splits.items():
            expected, found = wrong_arrays(images, labels, len(names))
            if expected:
                raise self._unlike(f"{expected} in the {split} split", found)
        here, there = data.train_images.shape[1:], data.test_images.shape[1:]
        if here != there:
            raise self._unlike("images of one size in both splits", f"{here} and {there}")
        warnings = [*data.warnings, *untested(names, data.test_labels.tolist())]
        if os.path.isdir(self.name):
            warnings.append(
                f"the folder {self.name} here is not read; ./{self.name} as `dataset` takes it"
            )
        return replace(
            data,
            train_labels=data.train_labels.astype("int64"),
            test_labels=data.test_labels.astype("int64"),
            class_names=tuple(names),
            warnings=tuple(warnings),
            can_change=True,
        )

    def _asked(
        self,
        what: str,
        work: Callable[[], _Value],
        *kinds: type,
        told: _Listeners | None = None,
    ) -> _Value:
        """Return what the package's code returns, if it is of one of these kinds."""
        told = told or _Listeners()
        try:
            value = work()
        # It may raise anything; SystemExit would end the program silently.
        except (Exception, SystemExit) as error:
            if told.raised is not None:
                raise told.raised from None
            if isinstance(error, InputError):
                raise
            words = f"{type(error).__name__}: {error}".strip(": ")
            found = printable(" ".join(words.split()))[:_MOST_CHARACTERS]
            raise self._unlike(f"{what} to work", found) from error
        if told.raised is not None:
            raise told.raised  # the package caught what should end its work
        if kinds and not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise self._unlike(f"{names} from {what}", kind_of(value))
        return value

    def _unlike(self, expected: str, found: str) -> InputError:
        return InputError(
            "dataset",
            expected,
            found,
            "ask its authors, or uninstall the package",
            f"{self._row.package}, entry point {self.name!r}",
        )


class _Listeners:
    """Passes progress on, and keeps what a listener raises, even if the package catches it."""

    def __init__(
        self, progress: Progress = ignore_progress, on_download: OnDownload = ignore_download
    ) -> None:
        self._progress, self._on_download = progress, on_download
        self.raised: BaseException | None = None

    def progress(self, done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
        self._tell(partial(self._progress, done, total, unit))

    def on_download(self, words: str) -> None:
        self._tell(partial(self._on_download, printable(words)))

    def _tell(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except BaseException as error:
            self.raised = error
            raise


def _wrong_names(names: object) -> str:
    """Return what is wrong with the names of the classes; empty where nothing is."""
    if not isinstance(names, (tuple, list)):
        return kind_of(names)
    for name in names:
        if not (isinstance(name, str) and name.strip() and name.isprintable()):
            return f"{name!r:.{_MOST_CHARACTERS}}"
    if len(set(names)) < len(names):
        return "one of them twice"
    return "" if 2 <= len(names) <= MAX_CLASSES else f"{len(names):,}"
