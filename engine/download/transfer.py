"""Fetch a file over the network, bounded in time, checked by hash, whole or not at all."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.common.progress import Progress, ignore_progress
from engine.download.partial_file import PartialFile, open_partial
from engine.download.response import (
    CHUNK_BYTES,
    POLL_SECONDS,
    BodyError,
    LocalFile,
    Response,
    is_page,
    read_ahead,
    validator_of,
)
from engine.errors import InputError

if TYPE_CHECKING:
    from hashlib import _Hash
    from http.client import HTTPResponse

PARTIAL, RANGE_REFUSED = 206, 416
"""HTTP status codes for a part, and for a part that the server does not have."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


def download(
    url: str,
    destination: Path,
    *,
    expected_bytes: int | None,
    expected_hash: str,
    progress: Progress,
    timeout_seconds: float = 5.0,
    option: str = "",
    listed_hash: str = "",
) -> Path:
    """Fetch `url` into `destination`, which appears only when whole and verified.

    The part of an interrupted download stays beside it as `<name>.part`, and the next one resumes
    from there if the server still has the same file.

    Args:
        url: http or https, redirects are followed; or the path of a file on this machine.
        destination: file to make, with its folder.
        expected_bytes: as published; None if unknown.
        expected_hash: `md5:<hex>` or `sha256:<hex>`; empty where none is published, and then
            only the length is checked.
        progress: called with the bytes; what it raises cancels the download and is passed on.
        timeout_seconds: how long name, connection and answer may take together, and how long
            any later wait for more bytes.
        option: the command-line option that can name the file instead, for the error.
        listed_hash: what a mirror's manifest says, in the same form; checked as well.

    Returns:
        `destination`.

    Raises:
        InputError: the network, the server, the file or the disk is not as expected.
    """
    fetch = _Fetch(url, destination, expected_bytes, timeout_seconds, option)
    hashes = tuple(filter(None, (expected_hash, listed_hash)))
    with fetch.disk_errors():
        partial = open_partial(destination)
    with contextlib.closing(partial):
        fetch.complete(partial, hashes, progress)
    return destination


def read_small(url: str, limit_bytes: int) -> bytes:
    """Return what `url` serves, if that is small.

    Raises:
        InputError: the network or the server is not as expected, or it serves more.
    """
    fetch = _Fetch(url, None, None, 5.0, "")
    parts: list[bytes] = []
    with fetch.body(fetch.open(ignore_progress), lambda: None) as chunks:
        for chunk in chunks:
            parts.append(chunk)
            if sum(map(len, parts)) > limit_bytes:
                raise fetch.failed(f"expected at most {limit_bytes:,} bytes, the server sends more")
    return b"".join(parts)


def check_reachable(url: str, destination: Path, *, timeout_seconds: float = 5.0) -> None:
    """Request `url` and read nothing of the response.

    Raises:
        InputError: the network or the server is not as expected; names `destination` as the place
            to put the file at instead.
    """
    fetch = _Fetch(url, destination, None, timeout_seconds, "")
    fetch.open(ignore_progress).close()


def file_hash(path: Path, algorithm: str, progress: Progress | None = None) -> str:
    """Return the hash (hex) of a file.

    Args:
        path: an existing file.
        algorithm: `md5` or `sha256`.
        progress: called with the bytes.
    """
    digest = _digest(algorithm)
    total = path.stat().st_size
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total, "bytes")
    return digest.hexdigest()


def verify(path: Path, expected_hash: str) -> bool:
    """Return whether a file has this `md5:<hex>` or `sha256:<hex>`."""
    algorithm, _, expected = expected_hash.partition(":")
    return file_hash(path, algorithm) == expected


def _digest(algorithm: str) -> _Hash:
    import hashlib

    return hashlib.new(algorithm, usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One download: its steps, and an error for each way in which it can fail."""

    url: str
    destination: Path | None
    """None for a body that is read and not kept."""
    expected_bytes: int | None
    timeout_seconds: float
    option: str

    def open(self, progress: Progress, offset: int = 0, validator: str = "") -> Response:
        """Request the file from `offset`, in a thread: a name lookup has no timeout."""
        answers: queue.SimpleQueue[Response | Exception] = queue.SimpleQueue()
        abandoned = threading.Event()

        def ask() -> None:
            answer = self._ask(offset, validator)
            answers.put(answer)
            if abandoned.is_set() and not isinstance(answer, Exception):
                answer.close()

        threading.Thread(target=ask, name="download", daemon=True).start()
        try:
            answer = self._wait(answers, progress, offset)
        except BaseException:
            abandoned.set()
            with contextlib.suppress(queue.Empty):
                late = answers.get_nowait()
                if not isinstance(late, Exception):
                    late.close()
            raise
        if isinstance(answer, Exception):
            if offset and _status(answer) == RANGE_REFUSED:
                return self.open(progress)
            raise self.failed(self._words(answer)) from answer
        if is_page(answer):
            answer.close()
            raise self.failed("the server sends a web page, as a network does that wants a login")
        if answer.status == PARTIAL and not (offset and self._goes_on(answer, offset)):
            answer.close()
            if not offset:
                raise self.failed("the server sends a part that was not requested")
            return self.open(progress)
        return answer

    def complete(self, partial: PartialFile, hashes: tuple[str, ...], progress: Progress) -> None:
        """Get the rest of a partial file, and put it in the destination's place once verified."""
        digests = _digests(hashes)
        with self.disk_errors():
            _digest_file(partial, digests)
        if hashes and partial.size and _found(hashes, digests) == hashes:
            self._keep(partial)  # interrupted between its last byte and its renaming
            return
        offset, validator = partial.source(self.url)
        if not validator and not hashes:
            offset = 0  # the rest might belong to another file
        answer = self.open(progress, offset, validator)
        if answer.status == PARTIAL:
            self._append(partial, answer, digests, offset, progress)
            if _found(hashes, digests) == hashes:
                self._keep(partial)
                return
            partial.clear()  # what was kept is part of another file than the rest
            answer = self.open(progress)
        self._receive_anew(partial, answer, hashes, progress)

    def _receive_anew(
        self, partial: PartialFile, answer: Response, hashes: tuple[str, ...], progress: Progress
    ) -> None:
        """Get the whole file, beside what was kept before: that stays until this is better."""
        if not partial.size:
            self._receive(partial, answer, hashes, progress)
            return
        with self.disk_errors():
            fresh = partial.beside()
        with contextlib.closing(fresh):
            try:
                self._receive(fresh, answer, hashes, progress)
            except BaseException:
                with contextlib.suppress(OSError):
                    fresh.replace_shorter(partial)
                raise
        partial.clear()

    def _receive(
        self, partial: PartialFile, answer: Response, hashes: tuple[str, ...], progress: Progress
    ) -> None:
        """Get the whole file into an empty partial file, and keep it once verified."""
        digests = _digests(hashes)
        with self.disk_errors(partial):
            partial.begin(self.url, validator_of(answer))
        self._append(partial, answer, digests, 0, progress)
        for expected, is_it in zip(hashes, _found(hashes, digests), strict=True):
            if expected != is_it:
                partial.clear()
                raise self.failed(f"wrong hash: expected {expected}, found {is_it}")
        self._keep(partial)

    def _keep(self, partial: PartialFile) -> None:
        assert self.destination is not None  # what is not kept has no partial file
        with self.disk_errors():
            partial.become(self.destination)

    def _append(
        self,
        partial: PartialFile,
        answer: Response,
        digests: Sequence[_Hash],
        received: int,
        progress: Progress,
    ) -> None:
        total = self._total(answer, received)
        with self.body(answer, lambda: progress(received, total, "bytes")) as chunks:
            progress(received, total, "bytes")
            for chunk in chunks:
                received += len(chunk)
                if total is not None and received > total:
                    partial.clear()
                    raise self.failed(f"expected {total:,} bytes, the server sends more")
                for digest in digests:
                    digest.update(chunk)
                with self.disk_errors(partial):
                    partial.append(chunk)
                progress(received, total, "bytes")
        if total is not None and received < total:
            raise self.failed(f"the connection was cut at {received:,} of {total:,} bytes")

    def failed(self, found: str) -> InputError:
        """Return the error for what was found instead of the file."""
        if self.destination is None:
            return InputError(f"{self.url}: {found}; check the address and the network")
        ways = f"put the file at {self.destination}"
        if self.option:
            ways += f" or name it with {self.option}"
        if not _is_remote(self.url):
            return InputError(f"copy of {self.url}: {found}; check that file, or {ways}")
        return InputError(
            f"download of {self.url}: {found}; check the network and try again, or {ways}"
        )

    @contextlib.contextmanager
    def disk_errors(self, partial: PartialFile | None = None) -> Iterator[None]:
        """Turn errors of the disk into messages, and free what `partial` holds."""
        try:
            yield
        except OSError as error:
            if partial is not None:
                with contextlib.suppress(OSError):
                    partial.clear()
            raise InputError(
                f"{self.destination}: expected to write the download here, found "
                f"{error.strerror or error}; make room or permit writing, and try again"
            ) from error

    @contextlib.contextmanager
    def body(self, answer: Response, waiting: Callable[[], None]) -> Iterator[Iterator[bytes]]:
        """Provide the body as it arrives, until the block ends."""
        with read_ahead(answer, waiting) as chunks:
            yield self._in_words(chunks)

    def _in_words(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except BodyError as error:
            raise self.failed(self._words(error.__cause__ or error)) from error

    def _ask(self, offset: int, validator: str) -> Response | Exception:
        from urllib.request import Request, urlopen

        try:
            if not _is_remote(self.url):
                return LocalFile(self.url)
            headers = {"User-Agent": "cifar-tui"}
            if offset:
                headers["Range"] = f"bytes={offset}-"
            if offset and validator:
                headers["If-Range"] = validator
            request = Request(self.url, headers=headers)
            answer: HTTPResponse = urlopen(request, timeout=self.timeout_seconds)
        except Exception as error:  # given to the thread that waits, which raises
            return error
        return answer

    def _wait(
        self, answers: queue.SimpleQueue[Response | Exception], progress: Progress, offset: int
    ) -> Response | Exception:
        end = time.monotonic() + self.timeout_seconds
        while (left := end - time.monotonic()) > 0:
            progress(offset, self.expected_bytes, "bytes")
            with contextlib.suppress(queue.Empty):
                return answers.get(timeout=min(left, POLL_SECONDS))
        return TimeoutError()

    def _goes_on(self, answer: Response, offset: int) -> bool:
        """Return whether a part is the requested one, of a file of the expected size."""
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != offset:
            return False
        return self.expected_bytes is None or match[3] in ("*", str(self.expected_bytes))

    def _total(self, answer: Response, offset: int) -> int | None:
        offered = None if answer.length is None else offset + answer.length
        expected = self.expected_bytes
        if offered is not None and expected is not None and offered != expected:
            answer.close()
            raise self.failed(f"expected {expected:,} bytes, the server offers {offered:,}")
        return offered if expected is None else expected

    def _words(self, error: BaseException) -> str:
        from urllib.error import HTTPError, URLError

        if isinstance(error, HTTPError):
            error.close()
            return f"the server says {error.code} {' '.join(str(error.reason).split())[:80]}"
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            return f"no answer within {self.timeout_seconds:g} s"
        return " ".join(str(cause).split())[:120] or type(cause).__name__


def _is_remote(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _status(error: Exception) -> int | None:
    from urllib.error import HTTPError

    return error.code if isinstance(error, HTTPError) else None


def _digests(hashes: tuple[str, ...]) -> list[_Hash]:
    """Return a digest of nothing yet for each hash."""
    return [_digest(expected.partition(":")[0]) for expected in hashes]


def _found(hashes: tuple[str, ...], digests: Sequence[_Hash]) -> tuple[str, ...]:
    """Return the digests in the form and order of the expected hashes."""
    pairs = zip(hashes, digests, strict=True)
    return tuple(f"{h.partition(':')[0]}:{d.hexdigest()}" for h, d in pairs)


def _digest_file(partial: PartialFile, digests: Sequence[_Hash]) -> None:
    if not digests or not partial.size:
        return
    with partial.path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            for digest in digests:
                digest.update(chunk)
