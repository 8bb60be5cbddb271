"""What is asked of a data set by its name, as the commands and screens ask its source."""

from __future__ import annotations

from typing import Any

from engine.common.progress import Progress, ignore_progress
from engine.datasets.loading import find_source
from engine.datasets.report import Report
from engine.datasets.source import DataRequest
from engine.tools.fetching import list_needed


def check_dataset(name: str, data_path: str | None = None, **request: Any) -> str:
    """Return where the data will come from."""
    source, path = find_source(name, data_path)
    return source.check(DataRequest(path, **request))


def count_images(name: str) -> tuple[int, int]:
    """Return the numbers of training and test images."""
    source, path = find_source(name)
    return source.count(DataRequest(path))


def bytes_to_download(name: str) -> int:
    """Return the bytes that are to be downloaded."""
    (needed,) = list_needed((), [name])
    return needed.bytes if needed.is_missing else 0


def report_on(name: str, progress: Progress = ignore_progress) -> Report:
    """Return the report of a data set."""
    source, path = find_source(name)
    return source.report(DataRequest(path), progress)
