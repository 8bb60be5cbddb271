"""An HTTP server on this machine that fails in the ways that a test chooses."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Route:
    """What the loopback server does with requests for one path."""

    body: bytes = b""
    status: int = 200
    location: str = ""
    """Where a redirect leads."""
    cut_after: int | None = None
    """Close the connection after this many bytes of the body."""
    stall_after: int | None = None
    """Send nothing more after this many bytes of the body, until the test ends."""
    silent: bool = False
    """Accept the connection and never answer."""
    length: bool = True
    """Whether to announce the body's length."""
    ranges: bool = False
    """Whether to serve a range if one is requested."""
    content_type: str = ""
    """The content type to declare."""


class LoopbackServer:
    """An HTTP server on this machine that serves and fails as its routes say."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[str] = []
        self.asked_ranges: list[str] = []
        """The requested range of each request, empty for the whole file."""
        self.closing = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.requests.append(self.path)
                owner.asked_ranges.append(self.headers.get("Range", ""))
                owner.answer(self, owner.routes.get(self.path, Route(b"nothing here", 404)))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep the tests' output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def url(self, path: str) -> str:
        """Return the address of a path, which begins with `/`."""
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def serve(self, path: str, route: Route | bytes) -> str:
        """Serve this at `path`; return its address."""
        self.routes[path] = Route(route) if isinstance(route, bytes) else route
        return self.url(path)

    def answer(self, handler: BaseHTTPRequestHandler, route: Route) -> None:
        """Answer one request as its route says."""
        handler.close_connection = True
        if route.silent:
            self.closing.wait()
            return
        start = self._start(handler, route)
        handler.send_response(206 if start is not None else route.status)
        if start is not None:
            whole = f"{start}-{len(route.body) - 1}/{len(route.body)}"
            handler.send_header("Content-Range", f"bytes {whole}")
        if route.location:
            handler.send_header("Location", route.location)
        if route.content_type:
            handler.send_header("Content-Type", route.content_type)
        body = route.body[start or 0 :]
        if route.length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        end = route.stall_after if route.cut_after is None else route.cut_after
        with contextlib.suppress(ConnectionError):  # the client may have closed the connection
            handler.wfile.write(body[:end])
        if route.stall_after is not None:
            self.closing.wait()

    def _start(self, handler: BaseHTTPRequestHandler, route: Route) -> int | None:
        """Return where the requested range begins; None for the whole file."""
        asked = handler.headers.get("Range", "")
        if not route.ranges or not asked:
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def close(self) -> None:
        """Release every waiting request and stop."""
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
