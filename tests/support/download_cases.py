"""A file to download, and how downloads of it end."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.common.progress import Progress, ignore_progress
from engine.download.transfer import Download
from engine.errors import InputError

BODY = bytes(range(256)) * 4096
HASH = "sha256:" + hashlib.sha256(BODY).hexdigest()


class Cancelled(Exception):
    """An error that a caller raises from its progress callback."""


def fetch(
    url: str,
    folder: Path,
    *,
    progress: Progress = ignore_progress,
    timeout_seconds: float = 5.0,
    expected_bytes: int | None = len(BODY),
    expected_hash: str = HASH,
) -> Path:
    download = Download(
        url,
        folder / "cache" / "file.bin",
        "the data",
        expected_hash,
        expected_bytes,
        " or name it with `data_path`",
        timeout_seconds=timeout_seconds,
    )
    return download.run(progress)


def refused(
    url: str,
    folder: Path,
    timeout_seconds: float = 5.0,
    expected_bytes: int | None = len(BODY),
    kept: bytes | None = None,
) -> str:
    """Return the error line of a failing download, after checking that only `kept` is left."""
    with pytest.raises(InputError) as caught:
        fetch(url, folder, timeout_seconds=timeout_seconds, expected_bytes=expected_bytes)
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    if kept is None:
        assert left == set()
    else:
        assert left == {"file.bin.part"}
        assert (folder / "cache" / "file.bin.part").read_bytes() == kept
    line = str(caught.value)
    assert "\n" not in line
    return line


def only_the_file_is_there(folder: Path) -> bool:
    names = [path.name for path in (folder / "cache").iterdir()]
    return names == ["file.bin"] and (folder / "cache" / "file.bin").read_bytes() == BODY
