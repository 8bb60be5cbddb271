"""The exercise on real images: train, rank, and the model that is left agrees."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.common.progress import ignore_progress
from engine.datasets.loading import load_dataset
from tests.support.processes import call

CHECK = """
import sys
import keras
import numpy as np
import pytest
model = keras.models.load_model(sys.argv[1])
data = np.load(sys.argv[2])
predicted = model.predict(data["x_test"], verbose=0).argmax(axis=1)
print((predicted == data["y_test"]).mean())
"""


def cifar_tui(*arguments: str) -> str:
    """Run the command as a user does; its standard output."""
    done = call(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow("that pretrained weights reach their accuracy on real images")
def test_train_frozen_fine_tune_rank_and_load(cifar10_dir: Path, tmp_path: Path) -> None:
    whole = load_dataset("cifar10", str(cifar10_dir), ignore_progress)
    data = tmp_path / "small.npz"
    np.savez(
        data,
        x_train=whole.train_images[:800],
        y_train=whole.train_labels[:800],
        x_test=whole.test_images[:500],
        y_test=whole.test_labels[:500],
    )
    runs_dir = tmp_path / "runs"
    options = ["--data", str(data), "--runs-dir", str(runs_dir), "--epochs", "3,1"]
    options += ["--recipe", "notebook"]
    options += ["--image-size", "64", "--learning-rate", "3e-3,1e-4", "--batch-size", "32"]
    printed = cifar_tui("train", "efficientnetlite0", "CustomCNN", *options, "--plain")
    assert "most accurate: EfficientNetLite0" in printed
    rows = json.loads(cifar_tui("rank", "--runs-dir", str(runs_dir), "--json"))
    assert [(row["model"], row["status"]) for row in rows] == [
        ("EfficientNetLite0", "completed"),
        ("CustomCNN", "completed"),
    ]
    lite0 = rows[0]
    assert lite0["test_accuracy"] > 0.55
    assert lite0["epochs"] == 4
    model = runs_dir / lite0["run_id"] / "model.keras"
    fresh = call(str(model), str(data), program=(sys.executable, "-c", CHECK))
    assert fresh.returncode == 0, fresh.stderr
    assert abs(float(fresh.stdout.split()[-1]) - lite0["test_accuracy"]) <= 0.001
