"""Out of memory: a batch in two parts gives the same step, and a run that needs it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from engine.backend.adam import continue_adam
from engine.backend.step_model import INPUT_WAIT, StepModel, compile_step, step_model
from engine.model.subgraph import Forward
from engine.protocol.events import EpochEnded, LogLine
from engine.runs.listing import list_runs, read_events
from engine.training.out_of_memory import in_words, is_out_of_memory

FITS_IN_HALVES_MB = 250
"""Of the CPU's allocator, for CustomCNN with batches of 512: whole they need over 280, halved 210.

Measured with the threads below: how many work at once decides how much is held at once.
"""
THREADS = {"TF_NUM_INTEROP_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "2"}
SAID = "OOM when allocating tensor with shape[64,48,48,96] and type float on /device:GPU:0"


def stepped(images: int, parts: int) -> tuple[list[Any], dict[str, float]]:
    """The weights of a small network after one step, and what the step says."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6,))
    outputs = keras.layers.Dense(4, activation="softmax")(keras.layers.Dense(5)(inputs))
    network = keras.Model(inputs, outputs)
    suffix = Forward(network, network.inputs, network.outputs, frozenset(), None)
    model: StepModel = step_model(network, None, suffix, 0.0)
    model.parts = parts
    optimizer = continue_adam(None, model.trainable_variables, 1e-2)
    compile_step(model, optimizer, 1, "cpu:0", False)
    random = np.random.default_rng(5)
    x = random.normal(size=(images, 6)).astype("float32")
    history = model.fit(x, random.integers(0, 4, images), batch_size=images, verbose=0)
    said = {name: values[0] for name, values in history.history.items() if name != INPUT_WAIT}
    return network.get_weights(), said


@pytest.mark.parametrize("images", [8, 7, 1])
def test_a_batch_in_two_parts_gives_the_step_of_the_whole(images: int) -> None:
    whole, said = stepped(images, 1)
    halves, said_in_halves = stepped(images, 2)
    for expected, found in zip(whole, halves, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert said_in_halves == pytest.approx(said, abs=1e-6)


def train(runs_dir: Path) -> subprocess.CompletedProcess[str]:
    # oneDNN's kernels do not survive an allocation that fails; Eigen's say so.
    limits = {"TF_CPU_BFC_MEM_LIMIT_IN_MB": str(FITS_IN_HALVES_MB), "TF_ENABLE_ONEDNN_OPTS": "0"}
    command = [sys.executable, "-m", "tui", "train", "CustomCNN", "--dataset", "digits"]
    command += ["--batch-size", "512", "--train-limit", "1200", "--epochs", "1", "--plain"]
    command += ["--runs-dir", str(runs_dir)]
    environment = {**os.environ, **THREADS, **limits}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow("a process that really runs out of memory, and trains on")
def test_a_run_whose_batches_do_not_fit_goes_on_in_halves(tmp_path: Path) -> None:
    done = train(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = list_runs(tmp_path).runs
    assert run.summary.ranked
    events = list(read_events(run.directory))
    (warned, *_) = [e.text for e in events if isinstance(e, LogLine) and e.level == "warning"]
    assert warned.startswith("out of memory: no room for ")
    assert "from now on a batch goes through in parts of 256 and 256 images" in warned
    assert [event.epoch for event in events if isinstance(event, EpochEnded)] == [1]


def test_what_tensorflow_says_is_told_in_bytes() -> None:
    assert in_words(RuntimeError(SAID), "cpu:0").startswith(
        "out of memory: no room for 54.0 MB, a tensor of 64 × 48 × 48 × 96 ("
    )


def test_other_errors_are_not_taken_for_it() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 123 bytes"))
    assert not is_out_of_memory(ValueError("expected a shape"))
