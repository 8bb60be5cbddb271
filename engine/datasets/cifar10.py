"""CIFAR-10: where it is looked for, its published archives, and how it is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.dataset import Dataset
from engine.datasets.layouts import FOLDERS, find_layout, read_layout
from engine.download import download, file_hash
from engine.errors import InputError
from engine.progress import Progress

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@dataclass(frozen=True, slots=True)
class Cifar10Source:
    """A published archive."""

    url: str
    file: str
    hash: str
    """`md5:<hex>` or `sha256:<hex>`, as published."""
    bytes: int


_PYTHON_FILE = "cifar-10-python.tar.gz"
_HOME = "https://www.cs.toronto.edu/~kriz"
# MD5 as the authors publish them at https://www.cs.toronto.edu/~kriz/cifar.html
SOURCES = (
    Cifar10Source(
        f"{_HOME}/cifar-10-binary.tar.gz",
        "cifar-10-binary.tar.gz",
        "md5:c32a1d4ab5d03f1284b67883e8d87530",
        170_052_171,
    ),
    Cifar10Source(
        f"{_HOME}/{_PYTHON_FILE}",
        _PYTHON_FILE,
        "md5:c58f30108f718f92721af3b95e74349a",
        170_498_071,
    ),
)
"""The first is downloaded: it holds no pickles."""

_KERAS_ARCHIVES = (
    "cifar-10-batches-py-target_archive",
    "cifar-10-batches-py-target.tar.gz",
    "cifar-10-batches-py.tar.gz",
)
"""Names under which versions of Keras keep the Python archive."""


def check(data_path: str | None, sources: tuple[Cifar10Source, ...] = SOURCES) -> str:
    """Say where CIFAR-10 will come from, from names, sizes and headers alone.

    Raises:
        InputError: nothing usable at `data_path`, or a damaged archive in a usual place.
    """
    path, source = _locate(data_path, sources)
    if path is None:
        return f"to download: {sources[0].bytes / 1e6:.0f} MB"
    layout = find_layout(path)
    if source is not None and layout.kind == "archive":
        _check_bytes(path, source)
    return data_path if data_path is not None else _with_tilde(path)


def load(
    data_path: str | None,
    progress: Progress,
    on_download: Callable[[str], None] | None = None,
    sources: tuple[Cifar10Source, ...] = SOURCES,
) -> Dataset:
    """Read CIFAR-10 from `data_path`, else from a usual place, else from the network.

    Raises:
        InputError: what is wrong and what to do.
    """
    path, source = _locate(data_path, sources)
    if path is None:
        path = _download(sources[0], progress, on_download)
        source = None  # verified as it came
    layout = find_layout(path)
    if source is not None and layout.kind == "archive":
        _check_bytes(path, source)
        _check_hash(path, source, progress)
    train, test = read_layout(layout, progress)
    return Dataset(
        "cifar10",
        train.images,
        train.labels,
        test.images,
        test.labels,
        CLASS_NAMES,
        str(path),
    )


def usual_folders() -> tuple[Path, Path]:
    """Where archives are looked for: Keras' folder, then the user's cache, where downloads go."""
    import platformdirs

    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    return keras / "datasets", platformdirs.user_cache_path("cifar-tui") / "datasets"


def _locate(
    data_path: str | None, sources: tuple[Cifar10Source, ...]
) -> tuple[Path | None, Cifar10Source | None]:
    """The data and the archive they claim by name to be, each None where there is none."""
    by_file = {source.file: source for source in sources}
    if data_path is not None:
        path = Path(data_path).expanduser()
        return path, by_file.get(path.name)
    for folder in usual_folders():
        for name, source in _archive_names(by_file):
            if os.path.isfile(folder / name):  # False where the folder may not be read
                return folder / name, source
    return next(_extracted(), None), None


def _archive_names(by_file: dict[str, Cifar10Source]) -> Iterator[tuple[str, Cifar10Source]]:
    yield from by_file.items()
    if _PYTHON_FILE in by_file:
        for name in _KERAS_ARCHIVES:
            yield name, by_file[_PYTHON_FILE]


def _extracted() -> Iterator[Path]:
    for folder in usual_folders():
        for name in FOLDERS:
            try:
                yield find_layout(folder / name).path
            except InputError:
                continue  # an extraction cut short is no reason not to look further


def _download(
    source: Cifar10Source, progress: Progress, on_download: Callable[[str], None] | None
) -> Path:
    if on_download is not None:
        host = source.url.split("/")[2]
        on_download(f"CIFAR-10, {source.bytes / 1e6:.0f} MB from {host}")
    return download(
        source.url,
        usual_folders()[1] / source.file,
        expected_bytes=source.bytes,
        expected_hash=source.hash,
        progress=progress,
        option="--data",
    )


def _check_bytes(path: Path, source: Cifar10Source) -> None:
    if (found := path.stat().st_size) != source.bytes:
        raise InputError(
            f"{path}: expected the {source.bytes:,} bytes of the official archive, "
            f"found {found:,}, so it is truncated or another; {_WAYS_OUT}"
        )


def _check_hash(path: Path, source: Cifar10Source, progress: Progress) -> None:
    algorithm, _, expected = source.hash.partition(":")
    if (found := file_hash(path, algorithm, progress)) != expected:
        raise InputError(
            f"{path}: wrong hash: expected the official archive's {algorithm} {expected}, "
            f"found {found}; {_WAYS_OUT}"
        )


_WAYS_OUT = "delete it and fetch it again, or extract it and name the folder with --data"


def _with_tilde(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
