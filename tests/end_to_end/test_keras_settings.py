"""Real processes where the user's own settings of Keras stand in the way."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from notebook_comparison.preparation import SPEC_FILE
from PIL import Image

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.settings import Options
from tests.support.processes import PROGRAM, TRAIN, call, summary, until

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
ALL_AT_ONCE = {
    "floatx": "float64",
    "epsilon": 0.01,
    "image_data_format": "channels_first",
    "backend": "jax",
}
LIMITS = {
    "KERAS_MAX_EPOCHS": "0",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "KERAS_NNX_ENABLED": "true",
}
FATAL = '{"floatx": "bogus", "backend": "rubbish"}'


def hostile_home(folder: Path, text: str) -> dict[str, str]:
    """An environment whose Keras folder holds this `keras.json`."""
    folder.mkdir(parents=True)
    (folder / "keras.json").write_text(text)
    return {"KERAS_HOME": str(folder)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run, with everything overridden that can be."""
    folder = tmp_path_factory.mktemp("overridden")
    home = hostile_home(folder / "keras", json.dumps(ALL_AT_ONCE))
    done = call(*TRAIN, "--epochs", "1", "--plain", cwd=folder, **home, **LIMITS)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow("that no setting of the user's own changes a byte of a training")
def test_no_network_comes_out_different(trained: Path, tmp_path: Path) -> None:
    done = call(*TRAIN, "--epochs", "1", "--plain", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    one, other = (next(f.glob("runs/*/predictions.npz")) for f in (tmp_path, trained))
    assert one.read_bytes() == other.read_bytes()


ENTRIES: dict[str, Callable[[Path], list[str]]] = {
    "predict": lambda folder: [*PROGRAM, "predict", "customcnn", str(folder / "x.png")],
    "export": lambda folder: [
        *(*PROGRAM, "export", "customcnn", "--format", "keras"),
        *("--output", str(folder / "net.keras")),
    ],
    "doctor": lambda folder: [*PROGRAM, "doctor", "--json"],
    "probe": lambda folder: [sys.executable, "-m", "engine.tools.speed_probe"],
    "preparation": lambda folder: [
        *(sys.executable, "-P", str(BENCHMARKS / "notebook_comparison" / "preparation.py")),
        str(folder),
    ],
}


@pytest.mark.slow("that each process that loads Keras, whatever starts it, has our settings")
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_loads_keras_our_way(entry: str, trained: Path, tmp_path: Path) -> None:
    from engine.common.codec import to_plain

    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    options = Options(dataset="digits", train_limit=100, image_size=32)
    (spec,) = plan_runs([find_backbone("EfficientNetLite0")], options)
    (tmp_path / SPEC_FILE).write_text(json.dumps(to_plain(spec)))
    home = hostile_home(tmp_path / "keras", FATAL)
    done = call(
        *ENTRIES[entry](tmp_path),
        program=(),
        cwd=tmp_path,
        CIFAR_TUI_RUNS=str(trained / "runs"),
        **home,
        **LIMITS | {"KERAS_MAX_EPOCHS": "some"},
    )
    if entry == "doctor":
        findings = {one["name"]: one for one in json.loads(done.stdout)}
        assert findings["TensorFlow"]["state"] != "bad"
        found = findings["Keras"]["found"]
        assert found.startswith("TensorFlow computes; ignored: KERAS_MAX_EPOCHS=some, ")
        assert f"{tmp_path / 'keras' / 'keras.json'}: floatx 'bogus', backend 'rubbish'" in found
    else:
        assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "backend"),
    [
        ([*PROGRAM, *TRAIN, "--plain"], "torch"),
        ([*PROGRAM, "demo", "--plain"], "openvino"),
        ([sys.executable, str(BENCHMARKS / "bench.py"), "--model", "EfficientNetLite0"], "rubbish"),
    ],
    ids=["train", "demo", "bench"],
)
def test_a_backend_that_does_not_work_here_is_one_line(
    arguments: list[str], backend: str, tmp_path: Path
) -> None:
    done = call(*arguments, program=(), cwd=tmp_path, KERAS_BACKEND=backend)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cifar-tui: KERAS_BACKEND: expected")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow("that what needs a finished run rejects a backend in one line, too")
@pytest.mark.parametrize("command", ["predict", "export"])
def test_what_is_done_with_a_run_says_the_same(command: str, trained: Path, tmp_path: Path) -> None:
    arguments = ENTRIES[command](tmp_path)
    runs = {"CIFAR_TUI_RUNS": str(trained / "runs")}
    done = call(*arguments, program=(), cwd=tmp_path, KERAS_BACKEND="torch", **runs)
    assert done.returncode == 2
    assert done.stderr.startswith("cifar-tui: KERAS_BACKEND: expected")
    assert done.stderr.count("\n") == 1


with_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason='jax is not installed: pip install ".[jax]"'
)


@with_jax
@pytest.mark.timeout(600)
@pytest.mark.slow("that a run on JAX goes from the features of a frozen backbone to its test")
def test_a_run_on_jax_is_trained_and_tested(tmp_path: Path) -> None:
    asked = ("train", "EfficientNetLite0", *TRAIN[2:], "--image-size", "32", "--epochs", "1")
    done = call(*asked, "--plain", cwd=tmp_path, KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr
    assert "loading JAX" in done.stdout
    assert len(list(tmp_path.glob("runs/*/predictions.npz"))) == 1
    assert len(list(tmp_path.glob("runs/*/model.keras"))) == 1
    assert 0 <= summary(tmp_path / "runs")["test_accuracy"] <= 1


@with_jax
@pytest.mark.slow("that a run begun with JAX is resumed with it")
def test_jax_stays_a_choice_and_is_kept(
    tmp_path: Path, start: Callable[..., psutil.Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        process = start(*TRAIN, "--epochs", "40", "--plain", cwd=tmp_path)
    until(lambda: process.poll() is not None or list(tmp_path.glob("runs/*/checkpoints/last.npz")))
    process.kill()
    process.wait()
    (spec,) = tmp_path.glob("runs/*/spec.json")
    assert json.loads(spec.read_text())["origin"]["backend"] == "jax"
    done = call("resume", "--plain", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "loading JAX" in done.stdout
