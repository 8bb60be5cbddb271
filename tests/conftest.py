"""Fixtures that several parts of the tests share."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray

import engine.common.faults
from engine.download import transfer
from engine.keras_setup.loading import HOME, IGNORED_VARIABLES, prepare_environment
from engine.runs.listing import RunRecord, load_run
from tests.support.images import SmallCifar10
from tests.support.loopback import LoopbackServer
from tests.support.runs import RunWriter

NOBODY = 65534

# Before any test loads TensorFlow: subprocesses inherit it and compute the same.
prepare_environment()
# Tests import Keras themselves, and must not see the user's settings for it.
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
    """Give TensorFlow one thread in each worker of the fast tier, two if slow tests run.

    Two threads change the order of sums; tests that compare numbers are slow, and run with two.
    """
    threads = "2" if _takes_slow(config) else "1"
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the slow tests, unless `--all` or a marker expression selects them."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    for item in slow:
        if not all(marker.args for marker in item.iter_markers("slow")):
            raise pytest.UsageError(f"{item.nodeid}: say in @pytest.mark.slow what it proves")
    if slow and not _takes_slow(config):
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def _takes_slow(config: pytest.Config) -> bool:
    return bool(config.getoption("--all") or config.getoption("markexpr"))


@pytest.fixture(scope="session")
def cifar10_dir() -> Path:
    """Return the folder of the real images, in one official layout or both."""
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
    """Fail the test at an internal fault, which the program would report and survive."""
    handler = _Raising()
    engine.common.faults.LOG.addHandler(handler)
    yield
    engine.common.faults.LOG.removeHandler(handler)


@pytest.fixture(autouse=True)
def own_feature_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give every test its own cache, so that none starts from another's features."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def config_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a config folder of the test's own, which does not exist yet."""
    folder = tmp_path_factory.mktemp("home") / "config"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CONFIG", str(folder))
        yield folder


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """Run the test as a user other than root, who may read anything; return the user's folder."""
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


@pytest.fixture
def small_cifar10() -> SmallCifar10:
    """Return 100 training and 20 test images."""
    return SmallCifar10()


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Start a loopback server that is reached directly even if a proxy is set."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = LoopbackServer()
    yield server
    server.close()


@pytest.fixture
def published_here(loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> LoopbackServer:
    """Have the loopback server answer, at the paths of their URLs, for all published files."""
    ask = transfer._ask

    def ask_here(url: str, *rest: Any) -> None:
        ask(loopback.url(urlsplit(url).path), *rest)

    monkeypatch.setattr(transfer, "_ask", ask_here)
    return loopback


@pytest.fixture
def write_run(tmp_path: Path) -> RunWriter:
    """Return a writer of runs into `tmp_path / "runs"`, its `runs_dir`."""
    return RunWriter(tmp_path / "runs")


@pytest.fixture(scope="session")
def classifier_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a `model.keras` as a trainer exports it: 8 × 8 uint8 images in, ten classes out."""
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


@pytest.fixture(scope="session")
def classifier_predictions(classifier_file: Path) -> NDArray[np.float32]:
    """Return the model's predictions for all test digits, (500, 10)."""
    import keras

    from engine.analysis.test_images import read_test_images
    from engine.config.spec import RunSpec
    from engine.config.stage import Stage

    spec = RunSpec("CustomCNN", "digits", (Stage("all", 1, 1e-3, None),), 8)
    model = keras.models.load_model(classifier_file)
    return np.asarray(model.predict(read_test_images(spec, None), verbose=0))


@pytest.fixture
def finished(
    write_run: RunWriter,
    classifier_file: Path,
    classifier_predictions: NDArray[np.float32],
    tmp_path: Path,
) -> RunRecord:
    """Return a finished run on the digits, with its model, predictions and metrics."""
    path = tmp_path / "runs" / write_run("CustomCNN", test=0.5, dataset="digits", image_size=8)
    shutil.copy(classifier_file, path / "model.keras")
    labels = np.arange(500) % 10
    np.savez(path / "predictions.npz", labels=labels, probabilities=classifier_predictions)
    (path / "metrics.csv").write_text("epoch,accuracy\n0,0.5\n")
    return load_run(path)
