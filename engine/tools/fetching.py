"""Fetch weights and data into the user's cache before they are needed."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone
from engine.common.progress import Progress
from engine.common.text import byte_size, duration
from engine.config.dataset_names import find_row, is_folder, known_names
from engine.datasets.loading import find_source
from engine.datasets.published import archive_destination
from engine.datasets.source import DataRequest
from engine.download.transfer import part_of
from engine.errors import InputError
from engine.weights.locate import (
    check_weights_option,
    choose_file,
    find_file,
    locate_weights,
    weights_destination,
)

Kind = Literal["weights", "dataset"]
State = Literal["here", "fetched", "failed", "cancelled"]
PACE_WINDOW_SECONDS = 5.0
"""Seconds over which the speed is measured: long enough to be steady, short enough to change."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """How to get the published file that a model or a data set needs."""

    bytes: int
    """Bytes: approximate for weights, as published for data."""
    destination: Path
    locate: Callable[[], Path | None]
    """Returns where it is already, by names alone."""
    obtain: Callable[[Progress, Callable[[str], None]], Path | None]
    """Returns where it is, verified; calls the second argument before it downloads it."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A model's weights, or a data set."""

    name: str
    kind: Kind
    built_in: str = ""
    """Why nothing must be fetched: `bundled`, `from scratch`, `built in`; empty otherwise."""
    file: PublishedFile | None = None
    """None for what is built in."""

    @property
    def bytes(self) -> int:
        """Bytes of the file to fetch."""
        return self.file.bytes if self.file is not None else 0

    @property
    def is_missing(self) -> bool:
        """Whether it would be downloaded, by names of files alone."""
        return self.file is not None and self.file.locate() is None


@dataclass(frozen=True, slots=True)
class FetchStep:
    """Progress of one file."""

    done_bytes: int
    total_bytes: int | None
    bytes_per_second: float | None
    """Bytes a second over the last five seconds; None until something arrived."""
    seconds_left: float | None

    @property
    def text(self) -> str:
        """Its progress, speed and time left: `12.0 MB of 94.7 MB  3.10 MB/s  ETA 0:27`."""
        of = f" of {byte_size(self.total_bytes)}" if self.total_bytes is not None else ""
        pace = self.bytes_per_second
        speed = f"  {byte_size(pace)}/s" if pace is not None else ""
        left = f"  ETA {duration(self.seconds_left)}" if self.seconds_left is not None else ""
        return f"{byte_size(self.done_bytes)}{of}{speed}{left}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of fetching one thing."""

    needed: Needed
    state: State
    path: Path | None = None
    """Where it is now; None if it is built in or not here."""
    error: str = ""
    """One line, with options in backticks by their Python names."""

    @property
    def is_here(self) -> bool:
        """Whether it can be used now."""
        return self.state in ("here", "fetched")


class Cancelled(Exception):
    """The user cancelled fetching; what arrived is kept."""


OnStep = Callable[[Needed, FetchStep], None]


def ignore_step(needed: Needed, step: FetchStep) -> None:
    """Do nothing, for callers that show no progress."""


def list_needed(
    models: Sequence[str],
    datasets: Sequence[str] = (),
    *,
    image_size: int | None = None,
) -> tuple[Needed, ...]:
    """Return what these models and data sets need, each once, in the order they are named.

    Args:
        models: of the catalogue.
        datasets: built in or of installed packages.
        image_size: pixels; None for the model's own. Some models have a file for each size.

    Raises:
        InputError: no such model or data set, or a model without published weights.
    """
    found = [needed_weights(find_backbone(name), image_size) for name in models]
    found += [_needed_data(name) for name in datasets]
    return tuple({needed.name: needed for needed in found}.values())


def needed_weights(backbone: Backbone, image_size: int | None = None) -> Needed:
    """Return what a model needs; see `list_needed`."""
    if backbone.from_scratch:
        return Needed(backbone.name, "weights", "from scratch")
    check_weights_option(backbone, "imagenet")
    if backbone.packaged is not None:
        return Needed(backbone.name, "weights", "bundled")
    size = image_size or backbone.image_size
    file = choose_file(backbone, size)
    assert file is not None  # check_weights_option rejected an entry without files
    published = PublishedFile(
        file.bytes,
        weights_destination(file),
        partial(find_file, file),
        partial(locate_weights, backbone, size, "imagenet"),
    )
    return Needed(backbone.name, "weights", file=published)


def _needed_data(name: str) -> Needed:
    if is_folder(name) or find_row(name) is None:
        raise InputError("dataset", ", ".join(known_names()), repr(name), "check the name")
    source, _ = find_source(name)
    if source.archive is None:
        source.check(DataRequest())  # what is installed may be damaged
        return Needed(name, "dataset", "built in")
    published = PublishedFile(
        source.archive.bytes,
        archive_destination(source.archive),
        source.locate,
        partial(source.obtain, DataRequest()),
    )
    return Needed(name, "dataset", file=published)


def fetch_all(
    wanted: Sequence[Needed],
    *,
    on_step: OnStep = ignore_step,
    cancel: threading.Event | None = None,
) -> Iterator[Fetched]:
    """Fetch one after the other what is not here; one that fails does not stop the rest.

    An interrupted download is resumed. Hashes are checked where they are published; weights without
    one must open.

    Args:
        wanted: from `list_needed`.
        on_step: called with the progress of each.
        cancel: ends fetching once set, even while the server is silent; what is left is
            `cancelled`.

    Yields:
        How each ended, as it ends.

    Raises:
        InputError: no room on the disk.
    """
    cancel = cancel or threading.Event()
    _check_room(wanted)
    for needed in wanted:
        if cancel.is_set():
            yield Fetched(needed, "cancelled")
        elif needed.file is None:
            yield Fetched(needed, "here")
        else:
            yield _fetch_one(needed, needed.file, PaceMeter(needed, on_step, cancel))


def _fetch_one(needed: Needed, file: PublishedFile, meter: PaceMeter) -> Fetched:
    begun: list[str] = []

    def note(done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
        if begun:
            meter(done, total, unit)
        elif meter.cancel.is_set():  # while a file that is here is verified: no download to show
            raise Cancelled

    try:
        path = file.obtain(note, begun.append)
    except Cancelled:
        return Fetched(needed, "cancelled")
    except (InputError, OSError) as error:
        state: State = "cancelled" if meter.cancel.is_set() else "failed"
        return Fetched(needed, state, error=str(error))
    return Fetched(needed, "fetched" if begun else "here", path)


@dataclass(slots=True)
class PaceMeter:
    """A progress meter: bytes of a file become steps with speed and time left; can cancel."""

    needed: Needed
    on_step: OnStep
    cancel: threading.Event
    clock: Callable[[], float] = time.monotonic
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def __call__(self, done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
        """Record the bytes done so far.

        Raises:
            Cancelled: the event is set.
        """
        if self.cancel.is_set():
            raise Cancelled
        now = self.clock()
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # the download started again
        self._seen.append((now, done))
        while now - self._seen[0][0] > PACE_WINDOW_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        seconds, came = now - self._seen[0][0], done - self._seen[0][1]
        pace = came / seconds if seconds > 0 and came > 0 else None
        left = None if pace is None or total is None else (total - done) / pace
        self.on_step(self.needed, FetchStep(done, total, pace, left))


def _check_room(wanted: Sequence[Needed]) -> None:
    """Reject downloads that would not fit on the disks of their folders, which may be links."""
    missing: dict[int, tuple[Path, int]] = {}
    for file in (needed.file for needed in wanted if needed.is_missing):
        assert file is not None  # what has none is not missing
        left = file.bytes
        with suppress(OSError):  # no part, or another download has just made the file of it
            left -= part_of(file.destination).stat().st_size
        parents = file.destination.parents
        disk = next(each for each in parents if os.path.exists(each)).stat().st_dev
        folder, size = missing.get(disk, (parents[0], 0))
        missing[disk] = folder, size + max(left, 0)
    for folder, size in missing.values():
        existing = next(each for each in (folder, *folder.parents) if os.path.exists(each))
        if size > (free := shutil.disk_usage(existing).free):
            expected = f"{byte_size(size)} of free disk for the downloads"
            raise InputError(folder, expected, byte_size(free), "make room")
