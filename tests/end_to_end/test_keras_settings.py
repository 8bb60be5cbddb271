"""Real processes where the user's own settings of Keras stand in the way."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from notebook_comparison.preparation import SPEC_FILE
from PIL import Image

from engine.backbones.catalogue import find_backbone
from engine.config.options import Options
from engine.config.planning import plan_runs

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "tests" / "benchmarks"
SMALL = ["train", "CustomCNN", "--dataset", "digits", "--train-limit", "200", "--epochs"]
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


def called(*arguments: str, cwd: Path, **added: str) -> subprocess.CompletedProcess[str]:
    """A Python process with this program on its path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **added}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env=environment
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run, with everything overridden that can be."""
    folder = tmp_path_factory.mktemp("overridden")
    home = hostile_home(folder / "keras", json.dumps(ALL_AT_ONCE))
    done = called("-m", "tui", *SMALL, "1", "--plain", cwd=folder, **home, **LIMITS)
    assert done.returncode == 0, done.stderr
    return folder


def test_no_network_comes_out_different(trained: Path, tmp_path: Path) -> None:
    done = called("-m", "tui", *SMALL, "1", "--plain", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    one, other = (next(f.glob("runs/*/predictions.npz")) for f in (tmp_path, trained))
    assert one.read_bytes() == other.read_bytes()


ENTRIES: dict[str, Callable[[Path], list[str]]] = {
    "predict": lambda folder: ["-m", "tui", "predict", "customcnn", str(folder / "x.png")],
    "export": lambda folder: [
        *("-m", "tui", "export", "customcnn", "--format", "keras"),
        *("--to", str(folder / "net.keras")),
    ],
    "doctor": lambda folder: ["-m", "tui", "doctor", "--json"],
    "probe": lambda folder: ["-m", "engine.tools.speed_probe"],
    "preparation": lambda folder: [
        *("-P", str(BENCHMARKS / "notebook_comparison" / "preparation.py")),
        str(folder),
    ],
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_loads_keras_our_way(entry: str, trained: Path, tmp_path: Path) -> None:

    from engine.common.codec import to_plain

    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    options = Options(dataset="digits", train_limit=100, image_size=32)
    (spec,) = plan_runs([find_backbone("EfficientNetLite0")], options)
    (tmp_path / SPEC_FILE).write_text(json.dumps(to_plain(spec)))
    home = hostile_home(tmp_path / "keras", FATAL)
    done = called(
        *ENTRIES[entry](tmp_path),
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


@pytest.mark.parametrize("backend", ["torch", "openvino", "rubbish", "jax"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "tui", *SMALL, "1", "--plain"],
        ["-m", "tui", "demo", "--plain"],
        [str(BENCHMARKS / "bench.py"), "--model", "EfficientNetLite0"],
    ],
    ids=["train", "demo", "bench"],
)
def test_a_backend_that_does_not_work_here_is_one_line(
    arguments: list[str], backend: str, tmp_path: Path
) -> None:
    if backend == "jax" and importlib.util.find_spec("jax"):
        pytest.skip("jax is installed here")
    done = called(*arguments, cwd=tmp_path, KERAS_BACKEND=backend)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cifar-tui: KERAS_BACKEND: expected")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["predict", "export"])
def test_what_is_done_with_a_run_says_the_same(command: str, trained: Path, tmp_path: Path) -> None:
    arguments = ENTRIES[command](tmp_path)
    runs = {"CIFAR_TUI_RUNS": str(trained / "runs")}
    done = called(*arguments, cwd=tmp_path, KERAS_BACKEND="torch", **runs)
    assert done.returncode == 2
    assert done.stderr.startswith("cifar-tui: KERAS_BACKEND: expected")
    assert done.stderr.count("\n") == 1


def stopped_run(folder: Path, **added: str) -> dict[str, Any]:
    """Train, and kill the process after its first checkpoint; gives its `spec.json`."""
    command = [sys.executable, "-m", "tui", *SMALL, "40", "--plain"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **added}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, cwd=folder, env=environment
    ) as process:
        deadline = time.monotonic() + 240
        while not list(folder.glob("runs/*/checkpoints/last.npz")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    found: dict[str, Any] = json.loads(next(folder.glob("runs/*/spec.json")).read_text())
    return found


def test_jax_stays_a_choice_and_is_kept(tmp_path: Path) -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install jax")
    assert stopped_run(tmp_path, KERAS_BACKEND="jax")["origin"]["backend"] == "jax"
    done = called("-m", "tui", "resume", "--plain", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "loading JAX" in done.stdout
