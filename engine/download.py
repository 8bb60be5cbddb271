"""Fetch a file over the network, bounded in time, checked by hash, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.progress import Progress, ignore_progress

if TYPE_CHECKING:
    from hashlib import _Hash
    from http.client import HTTPResponse

_CHUNK_BYTES = 1 << 18
_POLL_SECONDS = 0.1


def download(
    url: str,
    destination: Path,
    *,
    expected_bytes: int | None,
    expected_hash: str,
    progress: Progress,
    timeout_seconds: float = 5.0,
    option: str = "",
) -> Path:
    """Fetch `url` into `destination`, which appears only when whole and verified.

    Args:
        url: http or https; redirects are followed.
        destination: file to make, its folder too; what is received lies beside it until verified.
        expected_bytes: as published; None where that is not known.
        expected_hash: `md5:<hex>` or `sha256:<hex>`; empty where none is published, and then
            only the length is checked.
        progress: told of the bytes; what it raises cancels the download and goes through.
        timeout_seconds: how long name, connection and answer may take together, and how long
            any later wait for more bytes.
        option: the command's option that can name the file instead, for the error.

    Returns:
        `destination`.

    Raises:
        InputError: the network, the server, the file or the disk is not as expected.
    """
    fetch = _Fetch(url, destination, expected_bytes, timeout_seconds, option)
    part = destination.with_name(f"{destination.name}.part-{os.getpid()}")
    try:
        with contextlib.closing(fetch.open(progress)) as response:
            found = fetch.receive(response, part, expected_hash, progress)
        if expected_hash and found != expected_hash:
            raise fetch.failed(f"wrong hash: expected {expected_hash}, found {found}")
        with fetch.disk_errors():
            part.replace(destination)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return destination


def check_reachable(url: str, destination: Path, *, timeout_seconds: float = 5.0) -> None:
    """Ask for `url` and read nothing of the answer.

    Raises:
        InputError: the network or the server is not as expected; names `destination` as the place
            to put the file at instead.
    """
    fetch = _Fetch(url, destination, None, timeout_seconds, "")
    fetch.open(ignore_progress).close()


def file_hash(path: Path, algorithm: str, progress: Progress | None = None) -> str:
    """Hash (hex) of a file.

    Args:
        path: an existing file.
        algorithm: `md5` or `sha256`.
        progress: told of the bytes.
    """
    digest = _digest(algorithm)
    total = path.stat().st_size
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total, "bytes")
    return digest.hexdigest()


def verify(path: Path, expected_hash: str) -> bool:
    """Whether a file has this `md5:<hex>` or `sha256:<hex>`."""
    algorithm, _, expected = expected_hash.partition(":")
    return file_hash(path, algorithm) == expected


def _digest(algorithm: str) -> _Hash:
    import hashlib

    return hashlib.new(algorithm, usedforsecurity=False)


def _write_all(file: FileIO, chunk: bytes) -> None:
    """Unbuffered, so that closing the file has nothing left to fail with."""
    left = memoryview(chunk)
    while left:
        left = left[file.write(left) :]


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One download: the steps, and the words for each way in which it can fail."""

    url: str
    destination: Path
    expected_bytes: int | None
    timeout_seconds: float
    option: str

    def open(self, progress: Progress) -> HTTPResponse:
        """Ask for the file in a thread of its own: a name lookup knows no timeout."""
        answers: queue.SimpleQueue[HTTPResponse | Exception] = queue.SimpleQueue()
        abandoned = threading.Event()

        def ask() -> None:
            answer = self._ask()
            answers.put(answer)
            if abandoned.is_set() and not isinstance(answer, Exception):
                answer.close()

        threading.Thread(target=ask, name="download", daemon=True).start()
        try:
            answer = self._wait(answers, progress)
        except BaseException:
            abandoned.set()
            with contextlib.suppress(queue.Empty):
                late = answers.get_nowait()
                if not isinstance(late, Exception):
                    late.close()
            raise
        if isinstance(answer, Exception):
            raise self.failed(self._words(answer)) from answer
        return answer

    def receive(
        self, response: HTTPResponse, part: Path, expected_hash: str, progress: Progress
    ) -> str:
        """Write the body to `part`; return its hash in the form of `expected_hash`."""
        algorithm = expected_hash.partition(":")[0] or "sha256"
        digest = _digest(algorithm)
        total = self._total(response)
        received = 0
        with self.disk_errors():
            part.parent.mkdir(parents=True, exist_ok=True)
            file = part.open("wb", buffering=0)
        with file:
            for chunk in self._chunks(response):
                received += len(chunk)
                if total is not None and received > total:
                    break
                digest.update(chunk)
                with self.disk_errors():
                    _write_all(file, chunk)
                progress(received, total, "bytes")
            if total is not None and received < total:
                raise self.failed(f"the connection was cut at {received:,} of {total:,} bytes")
            if total is not None and received > total:
                raise self.failed(f"expected {total:,} bytes, the server sends more")
            with self.disk_errors():
                os.fsync(file.fileno())
        return f"{algorithm}:{digest.hexdigest()}"

    def failed(self, found: str) -> InputError:
        """The error for what was found instead of the file."""
        ways = f"put the file at {self.destination}"
        if self.option:
            ways += f" or name it with {self.option}"
        return InputError(
            f"download of {self.url}: {found}; check the network and try again, or {ways}"
        )

    @contextlib.contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Turn what the disk refuses into words."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.destination}: expected to write the download here, found "
                f"{error.strerror or error}; make room or permit writing, and try again"
            ) from error

    def _ask(self) -> HTTPResponse | Exception:
        from urllib.request import Request, urlopen

        try:
            request = Request(self.url, headers={"User-Agent": "cifar-tui"})
            response: HTTPResponse = urlopen(request, timeout=self.timeout_seconds)
        except Exception as error:  # given to the thread that waits, which raises
            return error
        return response

    def _wait(
        self, answers: queue.SimpleQueue[HTTPResponse | Exception], progress: Progress
    ) -> HTTPResponse | Exception:
        end = time.monotonic() + self.timeout_seconds
        while (left := end - time.monotonic()) > 0:
            progress(0, self.expected_bytes, "bytes")
            with contextlib.suppress(queue.Empty):
                return answers.get(timeout=min(left, _POLL_SECONDS))
        return TimeoutError()

    def _total(self, response: HTTPResponse) -> int | None:
        offered: int | None = response.length
        expected = self.expected_bytes
        if offered is not None and expected is not None and offered != expected:
            raise self.failed(f"expected {expected:,} bytes, the server offers {offered:,}")
        return offered if expected is None else expected

    def _chunks(self, response: HTTPResponse) -> Iterator[bytes]:
        from http.client import HTTPException

        try:
            # read1 hands over what has come; read would wait for a whole chunk
            while chunk := response.read1(_CHUNK_BYTES):
                yield chunk
        except (OSError, HTTPException) as error:
            raise self.failed(self._words(error)) from error

    def _words(self, error: BaseException) -> str:
        from urllib.error import HTTPError, URLError

        if isinstance(error, HTTPError):
            error.close()
            return f"the server says {error.code} {' '.join(str(error.reason).split())[:80]}"
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            return f"no answer within {self.timeout_seconds:g} s"
        return " ".join(str(cause).split())[:120] or type(cause).__name__
