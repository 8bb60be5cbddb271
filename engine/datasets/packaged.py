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
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from engine.common.progress import Progress
from engine.common.text import printable
from engine.config.dataset_names import DatasetRow
from engine.datasets.dataset import Dataset
from engine.datasets.published import Archive, OnDownload
from engine.datasets.seen import untested
from engine.datasets.source import DataRequest, DatasetSource, ignore_download
from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CLASSES = 1_000
_MOST_CHARACTERS = 200
"""Characters shown of a package's error."""
_URL = re.compile(r"https?://[^/]+/.*")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_HASH = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")
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
        where = self._asked("check", partial(self._inner.check, request))
        if not isinstance(where, str):
            raise self._unlike("a text from check", _kind(where))
        return printable(where)

    def count(self, request: DataRequest) -> tuple[int, int]:
        found: Any = self._asked("count", partial(self._inner.count, request))
        is_pair = isinstance(found, tuple) and len(found) == 2
        if not is_pair or not all(isinstance(each, int) and each > 0 for each in found):
            expected = "the numbers of training and test images, above 0, from count"
            raise self._unlike(expected, printable(repr(found))[:_MOST_CHARACTERS])
        return found[0], found[1]

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        told = _Listeners(progress, on_download)
        work = partial(self._inner.load, request, told.progress, told.on_download)
        data = self._asked("load", work, told)
        if not isinstance(data, Dataset):
            raise self._unlike("an engine.datasets.dataset.Dataset from load", _kind(data))
        return self._checked(data)

    def locate(self) -> Path | None:
        path = self._asked("locate", self._inner.locate)
        if path is not None and not isinstance(path, Path):
            raise self._unlike("a pathlib.Path or None from locate", _kind(path))
        return path

    def verify(self, path: Path, progress: Progress) -> None:
        told = _Listeners(progress, ignore_download)
        self._asked("verify", partial(self._inner.verify, path, told.progress), told)

    def _made(self) -> DatasetSource:
        source = self._row.source
        found = self._asked(f"the import of {source}", partial(imported, source))
        if not (isinstance(found, type) and issubclass(found, DatasetSource)):
            expected = "a class that extends engine.datasets.source.DatasetSource"
            raise self._unlike(expected, f"{_kind(found)} at {source}")
        if missing := ", ".join(sorted(found.__abstractmethods__)):
            raise self._unlike("a class with count and load", f"{source} without {missing}")
        return self._asked(f"{found.__name__}(name, title)", partial(found, self.name, self.title))

    def _checked_archive(self) -> Archive | None:
        archive = self._asked("archive", lambda: self._inner.archive)
        if archive is None:
            return None
        if not isinstance(archive, Archive):
            raise self._unlike("an engine.datasets.published.Archive or None", _kind(archive))
        for field, form in (("url", _URL), ("file", _FILE), ("hash", _HASH)):
            value = getattr(archive, field)
            if not (isinstance(value, str) and form.fullmatch(value)):
                expected = f"a {field} of its archive that matches {form.pattern}"
                raise self._unlike(expected, printable(repr(value))[:_MOST_CHARACTERS])
        if not isinstance(archive.bytes, int) or archive.bytes <= 0:
            raise self._unlike("the bytes of its archive", printable(repr(archive.bytes)))
        return archive

    def _checked(self, data: Dataset) -> Dataset:
        """Return the data set, after checking what the rest of the program relies on."""
        names = data.class_names
        if problem := _wrong_names(names):
            raise self._unlike(f"2 to {MAX_CLASSES:,} different class names, texts", problem)
        splits = (
            ("training", data.train_images, data.train_labels),
            ("test", data.test_images, data.test_labels),
        )
        for split, images, labels in splits:
            if problem := _wrong_images(images):
                expected = f"{split} images as uint8 (N, height, width, 3), one or more"
                raise self._unlike(expected, problem)
            if problem := _wrong_labels(labels, len(images), len(names)):
                expected = f"{split} labels as integers from 0 to {len(names) - 1}, one an image"
                raise self._unlike(expected, problem)
        here, there = data.train_images.shape[1:], data.test_images.shape[1:]
        if here != there:
            raise self._unlike("images of one size in both splits", f"{here} and {there}")
        return self._completed(data)

    def _completed(self, data: Dataset) -> Dataset:
        import numpy as np

        names = tuple(data.class_names)
        tested = np.bincount(data.test_labels.astype(np.int64), minlength=len(names))
        warnings = [*data.warnings, *untested(names, tested.tolist())]
        if os.path.isdir(self.name):
            warnings.append(
                f"the folder {self.name} here is not read; --dataset ./{self.name} takes it"
            )
        return replace(
            data,
            train_labels=data.train_labels.astype(np.int64),
            test_labels=data.test_labels.astype(np.int64),
            class_names=names,
            warnings=tuple(warnings),
            can_change=True,
        )

    def _asked(
        self, what: str, work: Callable[[], _Value], told: _Listeners | None = None
    ) -> _Value:
        """Return what the package's code returns."""
        try:
            value = work()
        # It may raise anything; SystemExit would end the program silently.
        except (Exception, SystemExit) as error:
            if told is not None and told.raised is not None:
                raise told.raised from None
            if isinstance(error, InputError):
                raise
            words = f"{type(error).__name__}: {error}".strip(": ")
            found = printable(" ".join(words.split()))[:_MOST_CHARACTERS]
            raise self._unlike(f"{what} to work", found) from error
        if told is not None and told.raised is not None:
            raise told.raised  # the package caught what should end its work
        return value

    def _unlike(self, expected: str, found: str) -> InputError:
        return InputError(
            f"--dataset: {self._row.package}, entry point {self.name!r}: expected {expected}, "
            f"found {found}; ask its authors, or uninstall the package"
        )


class _Listeners:
    """Passes progress on, and keeps what a listener raises, even if the package catches it."""

    def __init__(self, progress: Progress, on_download: OnDownload) -> None:
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


def _kind(value: object) -> str:
    return f"{type(value).__name__} {printable(getattr(value, '__name__', ''))}".strip()


def _wrong_names(names: object) -> str:
    """Return what is wrong with the names of the classes; empty where nothing is."""
    if not isinstance(names, (tuple, list)):
        return _kind(names)
    if not all(isinstance(name, str) and name.strip() for name in names):
        return "one that is no text or an empty one"
    if not all(name.isprintable() for name in names):
        return "one with characters that cannot be shown"
    if len(set(names)) < len(names):
        return "one of them twice"
    return "" if 2 <= len(names) <= MAX_CLASSES else f"{len(names):,}"


def _wrong_images(images: NDArray[np.uint8]) -> str:
    import numpy as np

    if not isinstance(images, np.ndarray):
        return _kind(images)
    if images.dtype != np.uint8:
        found = f"{images.dtype} {images.shape}"
        if images.dtype.kind == "f" and (broken := int((~np.isfinite(images)).sum())):
            found += f", {broken:,} of its values not finite"
        return found
    is_batch = images.ndim == 4 and images.shape[3] == 3 and min(images.shape) > 0
    return "" if is_batch else f"uint8 {images.shape}"


def _wrong_labels(labels: NDArray[np.int64], images: int, classes: int) -> str:
    import numpy as np

    if not isinstance(labels, np.ndarray):
        return _kind(labels)
    if labels.dtype.kind not in "iu" or labels.shape != (images,):
        return f"{labels.dtype} {labels.shape} for {images:,} images"
    low, high = int(labels.min()), int(labels.max())
    return "" if low >= 0 and high < classes else f"{low} to {high}"
