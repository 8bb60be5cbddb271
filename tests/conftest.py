"""Fixtures that more than one part of the tests needs."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import engine.common.faults
from engine.config.spec import RunSpec, Stage
from engine.keras_setup.loading import HOME, IGNORED_VARIABLES, prepare_environment
from engine.machine.provenance import Origin
from engine.protocol.events import BatchEnded, EpochEnded, Event, PhaseChanged, event_to_line
from engine.runs.directory import SpecFile, create_run, write_json
from engine.runs.summary import Summary
from engine.state.snapshot import Status

NOBODY = 65534

# Before any test loads TensorFlow: processes that tests start inherit it and compute alike.
prepare_environment()
# Tests import Keras themselves, and must not find what the user has set for it.
os.environ["KERAS_HOME"] = str(HOME)
for variable in IGNORED_VARIABLES:
    os.environ.pop(variable, None)
# These too, whatever a job or `nohup` around the tests ignores.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--all`."""
    parser.addoption("--all", action="store_true", help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    """Give TensorFlow one thread in each worker of the fast tier, two where slow tests run.

    Two threads change the order of sums: what compares numbers is slow, and sees them.
    """
    threads = "2" if _takes_slow(config) else "1"
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out, unless `--all` or an expression of markers asks for them."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    for item in slow:
        if not all(marker.args for marker in item.iter_markers("slow")):
            raise pytest.UsageError(f"{item.nodeid}: say in @pytest.mark.slow what it proves")
    if slow and not _takes_slow(config):
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def _takes_slow(config: pytest.Config) -> bool:
    return bool(config.getoption("--all") or config.getoption("markexpr"))


@pytest.fixture(scope="session")
def cifar10_dir() -> Path:
    """The folder that holds the real images, in one official layout or both."""
    folder = os.environ.get("CIFAR_TUI_DATA")
    if not folder:
        pytest.skip("the real CIFAR-10 images are not here: name their folder in CIFAR_TUI_DATA")
    return Path(folder)


class _Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        assert record.exc_info is not None
        assert record.exc_info[1] is not None
        raise record.exc_info[1]


@pytest.fixture(autouse=True)
def faults_raise() -> Iterator[None]:
    """A fault of this program, which it would tell and pass over, ends the test."""
    handler = _Raising()
    engine.common.faults.LOG.addHandler(handler)
    yield
    engine.common.faults.LOG.removeHandler(handler)


@pytest.fixture(autouse=True)
def own_feature_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of its own for every test, so that none starts from what another kept."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def config_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A config folder of its own for every test; not made yet."""
    folder = tmp_path_factory.mktemp("home") / "config"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CONFIG", str(folder))
        yield folder


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user other than root, as whom the test goes on: root may read everything."""
    folder = Path(tempfile.mkdtemp())
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        for root, _, _ in os.walk(folder):
            for path in (Path(root), *(Path(root, name) for name in os.listdir(root))):
                path.chmod(0o700)
        shutil.rmtree(folder)


@dataclass(frozen=True)
class SmallCifar10:
    """Random images with balanced labels, to be written in the layouts of CIFAR-10."""

    per_batch: int = 20

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """(6 × per_batch, 32, 32, 3); the last batch is the test split."""
        shape = (6 * self.per_batch, 32, 32, 3)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(6 × per_batch,)."""
        return np.arange(6 * self.per_batch) % 10

    def rows(self) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.int64]]]:
        """Name, images as rows of planes, and labels of each batch."""
        planes = self.images.transpose(0, 3, 1, 2).reshape(-1, 3072)
        for i in range(6):
            part = slice(i * self.per_batch, (i + 1) * self.per_batch)
            name = f"data_batch_{i + 1}" if i < 5 else "test_batch"
            yield name, planes[part].copy(), self.labels[part]

    def write_python(self, parent: Path) -> Path:
        """Write `parent/cifar-10-batches-py`; gives that folder."""
        folder = parent / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        for name, data, labels in self.rows():
            batch = {b"batch_label": b"", b"labels": labels.tolist(), b"data": data}
            (folder / name).write_bytes(pickle.dumps(batch, protocol=3))
        return folder

    def write_binary(self, parent: Path) -> Path:
        """Write `parent/cifar-10-batches-bin`; gives that folder."""
        folder = parent / "cifar-10-batches-bin"
        folder.mkdir(parents=True)
        for name, data, labels in self.rows():
            rows = np.concatenate([labels[:, np.newaxis].astype(np.uint8), data], axis=1)
            (folder / f"{name}.bin").write_bytes(rows.tobytes())
        return folder


@pytest.fixture
def small_cifar10() -> SmallCifar10:
    """100 training and 20 test images."""
    return SmallCifar10()


@dataclass(frozen=True)
class Route:
    """What the loopback server does when asked for one path."""

    body: bytes = b""
    status: int = 200
    location: str = ""
    """Where a redirect leads."""
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    stall_after: int | None = None
    """Say nothing more after so many bytes of the body, until the test ends."""
    silent: bool = False
    """Accept the connection and never answer."""
    length: bool = True
    """Whether to announce the body's length."""
    etag: str = ""
    """What the file is known by; with quotes."""
    ranges: bool = False
    """Whether to serve a part where one is asked for, and the file is still the same."""
    content_type: str = ""
    """What kind of content to say it is."""
    part: str = ""
    """What to say the part is, in place of what it is."""


class LoopbackServer:
    """An HTTP server on this machine that serves, and fails, as its routes say."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[str] = []
        self.asked_ranges: list[str] = []
        """The parts asked for, empty for the whole; one a request."""
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
        """The address of a path, which begins with `/`."""
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def serve(self, path: str, route: Route | bytes) -> str:
        """Serve this at `path`; gives its address."""
        self.routes[path] = Route(route) if isinstance(route, bytes) else route
        return self.url(path)

    def answer(self, handler: BaseHTTPRequestHandler, route: Route) -> None:
        """Do to one request what the route says."""
        handler.close_connection = True
        if route.silent:
            self.closing.wait()
            return
        start = self._start(handler, route)
        handler.send_response(206 if start is not None else route.status)
        if start is not None:
            whole = f"{start}-{len(route.body) - 1}/{len(route.body)}"
            handler.send_header("Content-Range", f"bytes {route.part or whole}")
        if route.location:
            handler.send_header("Location", route.location)
        if route.content_type:
            handler.send_header("Content-Type", route.content_type)
        if route.etag:
            handler.send_header("ETag", route.etag)
        body = route.body[start or 0 :]
        if route.length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        end = route.stall_after if route.cut_after is None else route.cut_after
        with contextlib.suppress(ConnectionError):  # the client may have heard enough
            handler.wfile.write(body[:end])
        if route.stall_after is not None:
            self.closing.wait()

    def _start(self, handler: BaseHTTPRequestHandler, route: Route) -> int | None:
        """Where the part begins that is asked for; None for the whole file."""
        asked = handler.headers.get("Range", "")
        known = handler.headers.get("If-Range", route.etag)
        if not route.ranges or not asked or known != route.etag:
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def close(self) -> None:
        """Let every waiting request go and stop."""
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def route() -> type[Route]:
    """The class that describes an answer of the loopback server."""
    return Route


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A running loopback server, asked directly even where a proxy is set."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = LoopbackServer()
    yield server
    server.close()


class RunWriter:
    """Writes runs with known figures into a folder, as a trainer would have left them."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._seconds = 1_700_000_000.0

    def __call__(
        self,
        model: str = "EfficientNetLite0",
        *,
        test: float | None = None,
        train_seconds: float = 10.0,
        status: Status = "completed",
        error: str = "",
        epochs: int = 0,
        **asked: Any,
    ) -> str:
        """Write one run, a minute younger than the one before; gives its id.

        `test` makes it a ranked one; `interrupted` leaves it without a summary; `epochs` is how
        many epochs its record has; the rest goes into its spec.
        """
        self._seconds += 60
        self.runs_dir.mkdir(exist_ok=True)
        stages = (Stage("head", 2, 1e-3, 0), Stage("fine-tune", 1, 1e-5, 30))
        usual: dict[str, Any] = {"dataset": "cifar10", "stages": stages, "image_size": 96}
        spec = RunSpec(model=model, **(usual | asked))
        origin = Origin("elsewhere", 1, "tensorflow", {}, None)
        directory = create_run(self.runs_dir, SpecFile(spec, (model,), 0, self._seconds, origin))
        with directory.events.open("w") as lines:
            for event in self._events(spec, epochs):
                lines.write(event_to_line(event))
        os.utime(directory.events, (self._seconds, self._seconds))
        if status != "interrupted":
            summary = Summary(
                status=status,
                error=error,
                ranked=test is not None,
                test_accuracy=test,
                test_loss=None if test is None else 1 - test,
                val_accuracy=None if test is None else test - 0.01,
                train_seconds=train_seconds,
                wall_seconds=train_seconds + 5,
                parameters=3_383_834,
                trainable_parameters=12_810,
                depth=50,
                flops=141_052_864,
                epochs=3,
                images_per_second=612.4,
                stages=("head 2 ep", "last 30 layers 1 ep"),
            )
            write_json(directory.summary, summary)
        return directory.run_id

    def _events(self, spec: RunSpec, epochs: int) -> Iterator[Event]:
        time = self._seconds
        yield PhaseChanged(time=time, phase="training")
        for epoch in range(1, epochs + 1):
            time += 10
            yield BatchEnded(
                time=time,
                epoch=epoch,
                step=1,
                loss=1.0 / epoch,
                accuracy=1 - 0.5 / epoch,
                batches=1,
                images_per_second=600.0,
            )
            yield EpochEnded(
                time=time,
                epoch=epoch,
                stage=1,
                loss=1.0 / epoch,
                accuracy=1 - 0.5 / epoch,
                val_loss=1.1 / epoch,
                val_accuracy=1 - 0.6 / epoch,
                learning_rate=1e-3,
                train_seconds=8.0,
                validation_seconds=2.0,
                images_per_second=600.0,
            )


@pytest.fixture
def write_run(tmp_path: Path) -> RunWriter:
    """Writes runs into `tmp_path / "runs"`, its `runs_dir`."""
    return RunWriter(tmp_path / "runs")


@pytest.fixture(scope="session")
def classifier_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `model.keras` as a trainer exports it: uint8 images of 8 × 8 in, ten probabilities out."""
    import keras

    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((8, 8, 3), dtype="uint8"),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
    path = tmp_path_factory.mktemp("classifier") / "model.keras"
    keras.Sequential(layers).save(path)
    return path
