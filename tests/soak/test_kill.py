"""`kill -9` at random moments: every run is resumed and ends as if nothing had happened.

By hand: `KILLS=100 pytest tests/soak/test_kill.py -s`; about half a minute a kill on two cores.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

TRAIN = ["train", "EfficientNetLite0", "--dataset", "digits", "--recipe", "notebook"]
TRAIN += ["--epochs", "2,2", "--image-size", "32", "--train-limit", "400", "--batch-size", "8"]


def start(runs: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tui", *arguments, "--plain", "--runs-dir", str(runs)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def whole(runs: Path) -> tuple[bytes, dict[str, bytes]]:
    """Probabilities and exported weights of the one run, which is completed."""
    (run,) = runs.iterdir()
    assert json.loads((run / "summary.json").read_text())["status"] == "completed"
    assert not (run / "checkpoints").exists()
    with zipfile.ZipFile(run / "model.keras") as archive:
        weights = {"weights": archive.read("model.weights.h5")}
    return np.load(run / "predictions.npz")["probabilities"].tobytes(), weights


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[bytes, object], float]:
    """What a run gives that nothing interrupts, and the seconds that it takes."""
    runs = tmp_path_factory.mktemp("reference")
    began = time.monotonic()
    assert start(runs, *TRAIN).wait() == 0
    return whole(runs), time.monotonic() - began


@pytest.mark.parametrize("number", range(int(os.environ.get("KILLS", "10"))))
def test_a_killed_run_ends_the_same(
    tmp_path: Path, reference: tuple[tuple[bytes, object], float], number: int
) -> None:
    expected, seconds = reference
    process = start(tmp_path, *TRAIN)
    try:
        process.wait(timeout=random.Random(number).uniform(0.5, seconds))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    if not list(tmp_path.iterdir()):
        return  # before the run had a directory there was nothing to lose
    code = start(tmp_path, "resume").wait()
    assert code in (0, 2)  # 2: it had been completed
    assert whole(tmp_path) == expected
