"""The response of a server, or of a local file: its headers, and its body as it arrives."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterator
from io import FileIO
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from email.message import Message

CHUNK_BYTES = 1 << 18
POLL_SECONDS = 0.1
_CHUNKS_AHEAD = 8


class BodyError(Exception):
    """The body could not be read; its cause says why."""


class Response(Protocol):
    """The part of `http.client.HTTPResponse` that a download needs."""

    @property
    def length(self) -> int | None:
        """Bytes of the body that are not read yet; None if unknown."""

    @property
    def status(self) -> int:
        """The HTTP status code."""

    @property
    def headers(self) -> Message:
        """The header fields."""

    def read1(self, n: int, /) -> bytes:
        """Return what has arrived of the body, at most `n` bytes; nothing at its end."""

    def close(self) -> None:
        """Close the connection."""


class LocalFile:
    """A file on this machine, which answers as a server does."""

    status = 200

    def __init__(self, path: str) -> None:
        from email.message import Message

        self._file = FileIO(path)
        self.length = os.fstat(self._file.fileno()).st_size
        self.headers = Message()

    def read1(self, n: int, /) -> bytes:
        """Return the next bytes."""
        return self._file.read(n)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextlib.contextmanager
def read_ahead(response: Response, waiting: Callable[[], None]) -> Iterator[Iterator[bytes]]:
    """Provide the body as it arrives, read by a thread of its own, which closes the response.

    Leaving it does not wait for the thread, however long the server stays silent.

    Args:
        response: to read to its end.
        waiting: called ten times a second while nothing arrives; what it raises is passed on.

    Yields:
        An iterator over the body, which raises BodyError where reading failed.
    """
    came: queue.Queue[bytes | Exception] = queue.Queue(_CHUNKS_AHEAD)
    given_up = threading.Event()

    def give(item: bytes | Exception) -> None:
        while not given_up.is_set():
            with contextlib.suppress(queue.Full):
                came.put(item, timeout=POLL_SECONDS)
                return

    def read() -> None:
        with contextlib.closing(response):
            try:
                # read1 returns what has arrived; read would wait for a whole chunk
                while not given_up.is_set() and (chunk := response.read1(CHUNK_BYTES)):
                    give(chunk)
                give(b"")
            except Exception as error:  # passed to the waiting thread, which raises
                give(error)

    threading.Thread(target=read, name="download body", daemon=True).start()
    try:
        yield _taken(came, waiting)
    finally:
        given_up.set()


def _taken(came: queue.Queue[bytes | Exception], waiting: Callable[[], None]) -> Iterator[bytes]:
    while True:
        try:
            item = came.get(timeout=POLL_SECONDS)
        except queue.Empty:
            waiting()
            continue
        if isinstance(item, Exception):
            raise BodyError from item
        if not item:
            return
        yield item


def is_page(response: Response) -> bool:
    """Return whether it is a web page, such as a network's login page."""
    kind: str = response.headers.get("Content-Type", "")
    return kind.lower().startswith(("text/html", "application/xhtml"))


def validator_of(response: Response) -> str:
    """Return what identifies this very file at the server: its strong ETag, else its date."""
    tag: str = response.headers.get("ETag", "")
    if tag.startswith('"'):
        return tag
    date: str = response.headers.get("Last-Modified", "")
    return date
