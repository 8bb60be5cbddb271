"""The feature cache on disk: entries found by key, checked as they are read, oldest use evicted."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.common.text import byte_size
from engine.features.file_format import BrokenEntryError, Header, Layout, load_index, read_index
from engine.features.reader import StoredFeatures
from engine.features.writer import ENDING as PART_ENDING
from engine.features.writer import FeatureWriter, remove_leftovers

ENDING = ".features"


class FeatureCacheFullError(OSError):
    """An entry does not fit within the limit, whatever is evicted."""

    def __init__(self, needed: int, limit: int) -> None:
        expected = f"expected features within the cache's limit of {byte_size(limit)}"
        super().__init__(errno.ENOSPC, f"{expected}, found {byte_size(needed)}")


def feature_key(parts: Mapping[str, str]) -> str:
    """Return a name, 32 hexadecimal digits, for features that depend on exactly these parts."""
    text = json.dumps(dict(parts), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a list shows it."""

    key: str
    about: Mapping[str, str | int]
    bytes: int
    rows: int
    created: float
    """Unix seconds, as is `last_used`."""
    last_used: float


class FeatureStore:
    """Features in the folder `features` of `root`, of at most `limit_bytes` together.

    Several processes may use one folder at once. With a limit of 0 nothing is kept.
    """

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self.folder = root / "features"
        self.limit_bytes = limit_bytes

    def find(self, key: str, layouts: Sequence[Layout], rows: int) -> StoredFeatures | None:
        """Return the entry, if it claims exactly these layouts and rows; counts as a use.

        A truncated entry is removed.
        """
        path = self._path(key)
        index = load_index(path)
        if index is None or not index.header.holds(layouts, rows):
            return None
        now = time.time_ns()
        with suppress(OSError):
            os.utime(path, ns=(now, now))
        return StoredFeatures(path, tuple(layouts), rows)

    def writing(
        self, key: str, layouts: Sequence[Layout], rows: int, about: Mapping[str, str | int]
    ) -> FeatureWriter:
        """Begin an entry: evict those not used for longest, and reserve its space.

        Raises:
            FeatureCacheFullError: it exceeds the limit, together with what is being written now.
            OSError: the folder cannot be written, or the disk is full.
        """
        plain = {name: v if isinstance(v, str) else int(v) for name, v in about.items()}
        header = Header(tuple(layouts), rows, plain)
        needed = header.file_bytes
        if needed > self.limit_bytes:
            raise FeatureCacheFullError(needed, self.limit_bytes)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_room(needed)
        return FeatureWriter(self._path(key), header)

    def entries(self) -> list[Entry]:
        """Return all entries, the last used first, without broken files and other programs' files.

        Raises:
            OSError: the folder cannot be read.
        """
        found = []
        for path, status in reversed(self._files(ENDING)):
            with suppress(BrokenEntryError, OSError), path.open("rb") as file:
                index = read_index(file)
                if index is not None:
                    header = index.header
                    times = header.created, status.st_mtime
                    entry = Entry(path.stem, header.about, status.st_size, header.rows, *times)
                    found.append(entry)
        return found

    def clear(self) -> tuple[int, int]:
        """Remove everything except what is being written; return the number of entries and bytes.

        Raises:
            OSError: the folder cannot be written.
        """
        removed, size = 0, remove_leftovers(self.folder)
        for path, status in self._files(ENDING):
            path.unlink(missing_ok=True)
            removed += 1
            size += status.st_size
        return removed, size

    def _path(self, key: str) -> Path:
        return self.folder / (key + ENDING)

    def _files(self, ending: str) -> list[tuple[Path, os.stat_result]]:
        """Return the files of the folder with this ending, the last used at the end."""
        return sorted(self._scan(ending), key=lambda file: (file[1].st_mtime_ns, file[0]))

    def _scan(self, ending: str) -> Iterator[tuple[Path, os.stat_result]]:
        with suppress(FileNotFoundError), os.scandir(self.folder) as scan:
            for found in scan:
                # Another process may remove a file between the listing and this look.
                with suppress(FileNotFoundError):
                    if found.name.endswith(ending) and found.is_file(follow_symlinks=False):
                        yield Path(found.path), found.stat()

    def _make_room(self, needed: int) -> None:
        remove_leftovers(self.folder)
        room = self.limit_bytes - sum(s.st_size for _, s in self._files(PART_ENDING))
        if needed > room:
            raise FeatureCacheFullError(needed, max(room, 0))
        kept = self._files(ENDING)
        room -= sum(status.st_size for _, status in kept)
        for path, status in kept:
            if needed <= room:
                return
            path.unlink(missing_ok=True)
            room += status.st_size
