"""A caller's own Keras, in a process of its own: what the engine takes of it, and leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
TRAIN = """
import json, os, sys
import engine

def train():
    return engine.train("CustomCNN", dataset="digits", train_limit=100, epochs=1)
"""
OWN_FIRST = """
import keras, numpy

keras.config.set_epsilon(0.25)
inputs = keras.Input((4,))
model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
model.compile("sgd", "mse")
images, labels = numpy.ones((8, 4)), numpy.ones((8, 2))
model.fit(images, labels, verbose=0)
before = model.predict(images, verbose=0)
run = train()
same = bool((model.predict(images, verbose=0) == before).all())
model.fit(images, labels, verbose=0)
found = [run.status, same, keras.config.epsilon()]
"""
ENGINE_FIRST = """
run = train()
classifier = engine.load(run)
import keras
import numpy
from PIL import Image
from keras.src.backend.config import keras_home

Image.fromarray(numpy.zeros((8, 8, 3), "uint8")).save("black.png")
first = classifier.predict("black.png")[0].classes
train()
found = [run.status, classifier.predict("black.png")[0].classes == first, keras_home()]
"""
SAY = """
print(json.dumps(found))
"""


def said(code: str, folder: Path) -> Any:
    """What a script finds, where nothing but that is printed."""
    done = subprocess.run(
        [sys.executable, "-c", TRAIN + code + SAY],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_HOME": str(folder / "keras")},
    )
    assert done.returncode == 0, done.stderr
    assert "retracing" not in done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow("that a caller's own models outlive a training beside them")
def test_a_model_of_the_caller_s_keeps_working(tmp_path: Path) -> None:
    assert said(OWN_FIRST, tmp_path) == ["completed", True, 0.25]


@pytest.mark.slow("that a classifier outlives a training, and that Keras downloads to its user")
def test_keras_keeps_to_the_caller_s_folder(tmp_path: Path) -> None:
    assert said(ENGINE_FIRST, tmp_path) == ["completed", True, str(tmp_path / "keras")]
