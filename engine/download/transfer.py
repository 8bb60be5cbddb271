"""Fetch a file over the network, bounded in time, checked by hash, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from engine.common.locks import try_lock
from engine.common.progress import Progress, ignore_progress
from engine.errors import InputError

CHUNK_BYTES = 1 << 18
POLL_SECONDS = 0.1
_CHUNKS_AHEAD = 8
PARTIAL, RANGE_REFUSED = 206, 416
"""HTTP status codes for a part, and for a part that the server does not have."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file on a server, and where it is to be put; the errors say what to do without it."""

    url: str
    """http or https; redirects are followed."""
    destination: Path
    """The file to make, with its folder; one that is there already is left as it is."""
    what: str
    """What the file is, for the error."""
    expected_hash: str
    """`md5:<hex>` or `sha256:<hex>`; empty where none is published, and then only the length is
    checked."""
    expected_bytes: int | None = None
    """As published; None if unknown."""
    instead: str = ""
    """What else the user can do with a file of their own, for the error."""
    rather: str = ""
    """What the user can do without the file, for the error."""
    timeout_seconds: float = 5.0
    """How long name, connection and answer may take together, and how long any later wait for more
    bytes."""

    def run(self, progress: Progress) -> Path:
        """Fetch the file to its destination, where it appears only when whole and verified.

        The part of an interrupted download stays beside it as `<name>.part`. The next one resumes
        from there, if the hash can tell that both parts are of one file; else it begins anew in
        `<name>.part.anew`, and the part stays until that has more. While another process downloads
        the file, this one waits for it.

        Args:
            progress: called with the bytes; what it raises cancels the download and is passed on.

        Returns:
            The destination.

        Raises:
            InputError: the network, the server, the file or the disk is not as expected.
        """
        with self._held_part(progress) as part:
            if not self.destination.is_file():  # else another process has just brought it
                self._complete(part, progress)
        return self.destination

    def check_reachable(self) -> None:
        """Request the file and read nothing of it.

        Raises:
            InputError: the network or the server is not as expected.
        """
        with self._answer(0, lambda: None):
            pass

    @contextlib.contextmanager
    def _held_part(self, progress: Progress) -> Iterator[FileIO]:
        """Hold the part for as long as the block takes, once no other download holds it."""
        while True:
            with self._disk_errors():
                self.destination.parent.mkdir(parents=True, exist_ok=True)
                file = FileIO(self._part, "a+")
            with file:
                # The previous holder may have renamed the file between the opening and the lock.
                if try_lock(file.fileno()) and _is(file, self._part):
                    try:
                        yield file
                    finally:
                        if not _size(file):
                            with contextlib.suppress(OSError):
                                self._part.unlink()
                    return
                progress(_size(file), self.expected_bytes, "bytes")
            time.sleep(POLL_SECONDS)

    def _complete(self, part: FileIO, progress: Progress) -> None:
        """Get the rest of the part, or all anew, and put it in the destination's place."""
        kept = _size(part) if self.expected_hash else 0
        found = self._hash(part) if kept else None
        if kept and found != self.expected_hash:
            self._receive(part, kept, progress)
            found = self._hash(part)
        if found == self.expected_hash:
            self._keep(part)
            return
        with self._disk_errors():
            part.truncate(kept)  # what was kept and what followed are of different files
        with self._beside(part) if kept else contextlib.nullcontext(part) as file:
            self._receive(file, 0, progress)
            if (found := self._hash(file)) != self.expected_hash:
                file.truncate(0)
                raise self._failed(found, self.expected_hash)
            self._keep(file)

    @contextlib.contextmanager
    def _beside(self, part: FileIO) -> Iterator[FileIO]:
        """Provide an empty file; if the block fails, it takes the part's place if it has more."""
        with self._disk_errors():
            file = FileIO(self._anew, "w")
        with file:
            try:
                yield file
            except BaseException:
                with contextlib.suppress(OSError):
                    if _size(file) > _size(part):
                        self._anew.replace(self._part)
                    else:
                        self._anew.unlink()
                raise

    def _keep(self, file: FileIO) -> None:
        """Put a verified file in the destination's place, and remove what else came of it."""
        with self._disk_errors():
            os.fsync(file.fileno())
            Path(str(file.name)).replace(self.destination)
            for other in (self._part, self._anew):
                other.unlink(missing_ok=True)

    def _receive(self, part: FileIO, offset: int, progress: Progress) -> None:
        """Get what follows `offset` into the part; nothing if the server has no such part."""
        received, total = offset, self.expected_bytes
        with self._answer(offset, lambda: progress(received, total, "bytes")) as (response, chunks):
            if response.length is not None:
                total = offset + response.length
            is_fit = self.expected_bytes in (None, total)
            if offset and not (is_fit and response.status == PARTIAL):
                return
            if not is_fit:
                raise self._failed(f"{total:,} offered", f"{self.expected_bytes:,} bytes")
            for chunk in chunks:
                received += len(chunk)
                if total is not None and received > total:
                    part.truncate(offset)
                    raise self._failed("more", f"{total:,} bytes")
                with self._disk_errors(part):
                    _write(part, chunk)
                progress(received, total, "bytes")
        if total is not None and received < total:
            raise self._failed(f"the connection cut after {received:,}", f"{total:,} bytes")

    @contextlib.contextmanager
    def _answer(
        self, offset: int, waiting: Callable[[], None]
    ) -> Iterator[tuple[_Response, Iterator[bytes]]]:
        """Request the file from `offset`; provide the response, and its body as it arrives.

        A thread of its own does all that can wait: a name lookup has no timeout, and neither an
        error nor a cancellation waits for a silent server.

        Args:
            offset: the first byte wanted.
            waiting: called ten times a second while nothing arrives; what it raises is passed on.
        """
        came: queue.Queue[Any] = queue.Queue(_CHUNKS_AHEAD)
        given_up = threading.Event()
        asked = (self.url, offset, self.timeout_seconds, came, given_up)
        threading.Thread(target=_ask, args=asked, name="download", daemon=True).start()
        try:
            response = self._next(came, waiting)
            if response.status not in ((200, PARTIAL, RANGE_REFUSED) if offset else (200,)):
                raise self._failed(f"HTTP status {response.status} {response.reason}")
            if response.is_page:
                raise self._failed("a web page, as a network sends that wants a login")
            yield response, iter(lambda: self._next(came, waiting), b"")
        finally:
            given_up.set()

    def _next(self, came: queue.Queue[Any], waiting: Callable[[], None]) -> Any:
        """Return what comes next: the response, then chunks of its body, then none."""
        end = time.monotonic() + self.timeout_seconds
        while True:
            waiting()
            left = end - time.monotonic()
            try:
                item = came.get(timeout=max(0.0, min(left, POLL_SECONDS)))
            except queue.Empty:
                if left > 0:
                    continue
                item = TimeoutError()
            if isinstance(item, Exception):
                raise self._failed(self._words(item)) from item
            return item

    def _words(self, error: Exception) -> str:
        cause = getattr(error, "reason", error)  # of a URLError
        if isinstance(cause, TimeoutError):
            return f"no answer within {self.timeout_seconds:g} s"
        words = getattr(cause, "strerror", None) or str(cause)
        return " ".join(words.split())[:120] or type(cause).__name__

    def _hash(self, file: FileIO) -> str:
        with self._disk_errors():
            return file_hash(Path(str(file.name)), self.expected_hash)

    def _failed(self, found: str, expected: str = "") -> InputError:
        hint = (
            f"check the network and try again, {self.rather}or put the file at {self.destination}"
        )
        expected = expected or f"to download {self.what}"
        return InputError("", expected, found, hint + self.instead, self.url)

    @contextlib.contextmanager
    def _disk_errors(self, part: FileIO | None = None) -> Iterator[None]:
        """Turn errors of the disk into messages, and free what `part` holds."""
        try:
            yield
        except OSError as error:
            if part is not None:
                with contextlib.suppress(OSError):
                    part.truncate(0)
            raise InputError(
                self.destination,
                "to write the download here",
                error.strerror or str(error),
                "make room or permit writing, and try again",
            ) from error

    @property
    def _part(self) -> Path:
        return part_of(self.destination)

    @property
    def _anew(self) -> Path:
        return self._part.with_name(f"{self._part.name}.anew")


def file_hash(path: Path, expected: str, progress: Progress = ignore_progress) -> str:
    """Return the hash of a file, to be compared with the expected one.

    Args:
        path: an existing file.
        expected: `md5:<hex>` or `sha256:<hex>`; empty for none, and then so is what is returned.
        progress: called with the bytes.
    """
    import hashlib

    algorithm = expected.partition(":")[0]
    if not algorithm:
        return ""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        total = os.fstat(file.fileno()).st_size
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            progress(file.tell(), total, "bytes")
    return f"{algorithm}:{digest.hexdigest()}"


def part_of(destination: Path) -> Path:
    """Return the path at which a download keeps what has arrived."""
    return destination.with_name(f"{destination.name}.part")


class _Response(NamedTuple):
    """What the header of an HTTP response says."""

    status: int
    reason: str
    is_page: bool
    """Whether it is a web page, such as a network's login page."""
    length: int | None
    """Bytes of the body; None if unknown."""


def _ask(
    url: str, offset: int, timeout: float, came: queue.Queue[Any], given_up: threading.Event
) -> None:
    """Put the response, chunks of its body and an empty one into a queue; or what went wrong."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    def give(item: Any) -> None:
        while not given_up.is_set():
            with contextlib.suppress(queue.Full):
                came.put(item, timeout=POLL_SECONDS)
                return

    headers = {"User-Agent": "cifar-tui"} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        try:
            body = urlopen(Request(url, headers=headers), timeout=timeout)
        except HTTPError as error:
            body = error  # a response, too
        with body:
            reason = " ".join(str(body.reason).split())[:80]
            kind = body.headers.get("Content-Type", "").lower()
            is_page = kind.startswith(("text/html", "application/xhtml"))
            give(_Response(body.status, reason, is_page, getattr(body, "length", None)))
            # read1 returns what has arrived; read would wait for a whole chunk
            while not given_up.is_set() and (chunk := body.read1(CHUNK_BYTES)):
                give(chunk)
        give(b"")
    except Exception as error:  # given to the thread that waits, which raises
        give(error)


def _write(part: FileIO, chunk: bytes) -> None:
    """Write all of a chunk, unbuffered, so that closing cannot fail."""
    left = memoryview(chunk)
    while left:
        left = left[part.write(left) :]


def _size(part: FileIO) -> int:
    return os.fstat(part.fileno()).st_size


def _is(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
