"""Fetch weights and data before they are needed: here, or into a folder that is a mirror."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone, WeightsFile
from engine.common.progress import Progress, ignore_progress
from engine.common.text import byte_size, duration
from engine.config.dataset_names import find_row, is_folder, known_names
from engine.datasets.loading import source_of
from engine.datasets.published import Archive, usual_folders
from engine.datasets.source import DatasetSource
from engine.download.mirror import MANIFEST, Listed, add_to_manifest, obtain, read_manifest
from engine.download.transfer import download, file_hash, verify
from engine.errors import InputError
from engine.weights.locate import (
    check_found,
    check_weights_option,
    choose_file,
    fetch_arguments,
    fetch_file,
    find_file,
    keep_if_readable,
    mirror_path,
    weights_destination,
)

Kind = Literal["weights", "dataset"]
State = Literal["here", "fetched", "failed", "cancelled"]
PACE_WINDOW_SECONDS = 5.0
"""Seconds over which the speed is measured: long enough to be steady, short enough to change."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A model's weights, or a data set, and the published file that holds it."""

    name: str
    kind: Kind
    built_in: str = ""
    """Why nothing must be fetched: `bundled`, `from scratch`, `built in`; empty otherwise."""
    bytes: int = 0
    """Bytes: approximate for weights, as published for data."""
    backbone: Backbone | None = None
    file: WeightsFile | None = None
    source: DatasetSource | None = None
    """Source of a data set, which may find it here in other forms than the archive to fetch."""

    @property
    def archive(self) -> Archive | None:
        """The one to fetch."""
        return self.source.archive if self.source is not None else None

    @property
    def path(self) -> str:
        """Path of its file inside a mirror; empty for what is built in."""
        if self.file is not None:
            return mirror_path(self.file)
        return f"datasets/{self.archive.file}" if self.archive is not None else ""

    @property
    def published_hash(self) -> str:
        """`md5:<hex>` or `sha256:<hex>`; empty where none is published."""
        published = self.file or self.archive
        return published.hash if published is not None else ""


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
    found = [_needed_weights(find_backbone(name), image_size) for name in models]
    found += [_needed_data(name) for name in datasets]
    return tuple({needed.name: needed for needed in found}.values())


def fetch_all(
    wanted: Sequence[Needed],
    *,
    on_step: OnStep = ignore_step,
    cancel: threading.Event | None = None,
    to: Path | None = None,
) -> Iterator[Fetched]:
    """Fetch one after the other what is not here; one that fails does not stop the rest.

    An interrupted download is resumed. Hashes are checked where they are published; weights without
    one must open.

    Args:
        wanted: from `list_needed`.
        on_step: called with the progress of each.
        cancel: ends fetching once set, even while the server is silent; what is left is
            `cancelled`.
        to: a folder to make a mirror of all of it; None for the user's cache.

    Yields:
        How each ended, as it ends.

    Raises:
        InputError: no room on the disk, or a folder that cannot be written or is not a mirror.
    """
    cancel = cancel or threading.Event()
    _check_room(wanted, to)
    for needed in wanted:
        meter = PaceMeter(needed, on_step, cancel)
        if cancel.is_set():
            yield Fetched(needed, "cancelled")
            continue
        try:
            yield _fetch_one(needed, meter, to)
        except Cancelled:
            yield Fetched(needed, "cancelled")
        except (InputError, OSError) as error:
            state: State = "cancelled" if cancel.is_set() else "failed"
            yield Fetched(needed, state, error=str(error))


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


def _needed_weights(backbone: Backbone, image_size: int | None) -> Needed:
    if backbone.from_scratch:
        return Needed(backbone.name, "weights", "from scratch")
    check_weights_option(backbone, "imagenet")
    if backbone.packaged is not None:
        return Needed(backbone.name, "weights", "bundled")
    file = choose_file(backbone, image_size or backbone.image_size)
    assert file is not None  # check_weights_option rejected an entry without files
    return Needed(backbone.name, "weights", bytes=file.bytes, backbone=backbone, file=file)


def _needed_data(name: str) -> Needed:
    if is_folder(name) or find_row(name) is None:
        names = ", ".join(known_names())
        raise InputError(f"--dataset: expected {names}, found {name!r}; check the name")
    source = source_of(name)
    if source.archive is None:
        return Needed(name, "dataset", "built in")
    return Needed(name, "dataset", bytes=source.archive.bytes, source=source)


def _fetch_one(needed: Needed, progress: Progress, to: Path | None) -> Fetched:
    if needed.built_in:
        return Fetched(needed, "here")
    if to is not None:
        return _gather(needed, progress, to)
    here = _find_here(needed)
    if here is not None:
        return Fetched(needed, "here", here)
    if needed.backbone is not None and needed.file is not None:
        return Fetched(needed, "fetched", fetch_file(needed.backbone, needed.file, progress))
    return Fetched(needed, "fetched", _fetch_into(needed, _usual_place(needed), progress))


def _find_here(needed: Needed) -> Path | None:
    if needed.backbone is not None and needed.file is not None:
        return check_found(needed.backbone, needed.file)
    path = needed.source.locate() if needed.source is not None else None
    if needed.source is not None and path is not None:
        needed.source.verify(path, ignore_progress)
    return path


def _gather(needed: Needed, progress: Progress, to: Path) -> Fetched:
    """Put it into the mirror: if not there yet, from this machine or from its publisher."""
    destination = to / needed.path
    if os.path.isfile(destination) and _is_whole(needed, destination, to):
        return Fetched(needed, "here", destination)
    with suppress(InputError):  # a damaged file here is no reason not to fetch a whole one
        here = _find_here(needed)
        if here is not None and here.name == destination.name:
            _copy(needed, here, destination, progress)
            return _entered(needed, to)
    _fetch_into(needed, destination, progress)
    return _entered(needed, to)


def _is_whole(needed: Needed, path: Path, to: Path) -> bool:
    """Return whether a file of a mirror is the right one; enter it in the manifest if so."""
    if needed.published_hash and not verify(path, needed.published_hash):
        return False
    is_there = os.path.exists(to / MANIFEST)
    listed = read_manifest(str(to)).get(needed.path) if is_there else None
    if listed is not None and verify(path, f"sha256:{listed.sha256}"):
        return True
    if needed.published_hash:  # interrupted between the file and the manifest
        _entered(needed, to)
    return bool(needed.published_hash)


def _copy(needed: Needed, source: Path, destination: Path, progress: Progress) -> None:
    download(
        str(source),
        destination,
        expected_bytes=None,
        expected_hash=needed.published_hash,
        progress=progress,
    )


def _fetch_into(needed: Needed, destination: Path, progress: Progress) -> Path:
    published = needed.file or needed.archive
    assert published is not None  # what is built in is not fetched
    obtain(
        needed.path,
        published.url,
        destination,
        expected_bytes=needed.archive.bytes if needed.archive is not None else None,
        expected_hash=published.hash,
        progress=progress,
        arguments=_arguments(needed),
    )
    if needed.backbone is not None:
        keep_if_readable(needed.backbone, destination)
    return destination


def _arguments(needed: Needed) -> str:
    if needed.backbone is not None and needed.file is not None:
        return fetch_arguments(needed.backbone, needed.file)
    return f"--dataset {needed.name}"


def _entered(needed: Needed, to: Path) -> Fetched:
    """Enter a fetched file into the manifest."""
    path = to / needed.path
    sha256 = file_hash(path, "sha256")
    add_to_manifest(to, [Listed(needed.name, needed.path, path.stat().st_size, sha256)])
    return Fetched(needed, "fetched", path)


def _usual_place(needed: Needed) -> Path:
    if needed.file is not None:
        return weights_destination(needed.file)
    assert needed.archive is not None
    return usual_folders()[1] / needed.archive.file


def _check_room(wanted: Sequence[Needed], to: Path | None) -> None:
    """Reject downloads that would not fit on the disks where the files go."""
    missing: dict[int, tuple[Path, int]] = {}
    for needed in wanted:
        if needed.built_in:
            continue
        place = _usual_place(needed) if to is None else to / needed.path
        if os.path.exists(place) or (to is None and _seems_here(needed)):
            continue
        left = needed.bytes
        with suppress(OSError):  # no partial file: all of it is still to be downloaded
            left -= place.with_name(f"{place.name}.part").stat().st_size
        disk = _existing(place.parent).stat().st_dev
        folder, size = missing.get(disk, (place.parent, 0))
        missing[disk] = (folder, size + max(left, 0))
    for folder, size in missing.values():
        free = shutil.disk_usage(_existing(folder)).free
        if size > free:
            raise InputError(
                f"{folder}: expected {byte_size(size)} of free disk for the downloads, found "
                f"{byte_size(free)}; make room, or name another folder with --to DIR"
            )


def _seems_here(needed: Needed) -> bool:
    """Return whether it is on this machine, by its name."""
    if needed.file is not None:
        return find_file(needed.file) is not None
    return needed.source is not None and needed.source.locate() is not None


def _existing(folder: Path) -> Path:
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder
