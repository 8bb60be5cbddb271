"""`kill -9` at random moments: every run is resumed and ends as if nothing had happened.

By hand: `KILLS=100 pytest tests/soak/test_kill.py -s`; about half a minute a kill on two cores.
The recipes take turns, each built-in one and one with features from XNNPACK, which otherwise
computes larger passes.
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
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engine.config.recipe import RECIPES

TRAIN = ["train", "EfficientNetLite0", "--dataset", "digits"]
TRAIN += ["--image-size", "32", "--train-limit", "400", "--batch-size", "8"]
EPOCHS = {"notebook": "2,2", "demo": "2,2", "gradual": "1,3"}
"""Fewer than the recipe's, where that has many."""
TRAININGS = (*RECIPES, "thorough on XNNPACK")
ON_XNNPACK = """
import sys
from engine.features import extraction
from tui.__main__ import main
extraction.WORTH_FLOPS = 0.0
sys.exit(main())
"""
Outcome = tuple[bytes, dict[str, bytes]]


def train(runs: Path, training: str) -> subprocess.Popen[bytes]:
    recipe = training.partition(" ")[0]
    epochs = ["--epochs", EPOCHS[recipe]] if recipe in EPOCHS else []
    return start(runs, training, *TRAIN, "--recipe", recipe, *epochs)


def start(runs: Path, training: str, *arguments: str) -> subprocess.Popen[bytes]:
    program = ["-c", ON_XNNPACK] if training.endswith("XNNPACK") else ["-m", "tui"]
    command = [sys.executable, *program, *arguments, "--plain", "--runs-dir", str(runs)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def whole(runs: Path) -> Outcome:
    """Probabilities and exported weights of the one run, which is completed."""
    (run,) = runs.iterdir()
    assert json.loads((run / "summary.json").read_text())["status"] == "completed"
    assert not (run / "checkpoints").exists()
    with zipfile.ZipFile(run / "model.keras") as archive:
        weights = {"weights": archive.read("model.weights.h5")}
    return np.load(run / "predictions.npz")["probabilities"].tobytes(), weights


@pytest.fixture(scope="module")
def reference(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], tuple[Outcome, float]]:
    """What a training gives when nothing interrupts it, and the seconds that it takes."""

    @cache
    def uninterrupted(training: str) -> tuple[Outcome, float]:
        runs = tmp_path_factory.mktemp(training)
        began = time.monotonic()
        assert train(runs, training).wait() == 0
        return whole(runs), time.monotonic() - began

    return uninterrupted


def last_phase(runs: Path) -> str:
    """What the run at work says it does, at the moment of its end."""
    phases = [
        line
        for path in runs.glob("*/events.jsonl")
        for line in path.read_text(errors="replace").splitlines()
        if '"PhaseChanged"' in line and line.endswith("}")
    ]
    if not phases:
        return "start"
    plain = json.loads(phases[-1])
    return f"{plain['phase']} {plain['detail']}".strip()


@pytest.mark.parametrize("number", range(int(os.environ.get("KILLS", "10"))))
def test_a_killed_run_ends_the_same(
    tmp_path: Path, reference: Callable[[str], tuple[Outcome, float]], number: int
) -> None:
    training = TRAININGS[number % len(TRAININGS)]
    expected, seconds = reference(training)
    process = train(tmp_path, training)
    try:
        process.wait(timeout=random.Random(number).uniform(0.5, seconds))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    print(f"\nkill {number}, {training}: while {last_phase(tmp_path)}")
    if not list(tmp_path.iterdir()):
        return  # before the run had a directory there was nothing to lose
    code = start(tmp_path, training, "resume").wait()
    assert code in (0, 2)  # 2: it had been completed
    assert whole(tmp_path) == expected
