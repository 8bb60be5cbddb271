"""The demo is the exercise on real images: train, rank, explain; the exported model agrees."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.analysis.answers import QUESTIONS
from tests.support.processes import call

CHECK = """
import sys
import keras
from engine.common.progress import ignore_progress
from engine.datasets.loading import load_dataset
model = keras.models.load_model(sys.argv[1])
data = load_dataset("cifar10-mini", None, ignore_progress)
predicted = model.predict(data.test_images, verbose=0).argmax(axis=1)
print((predicted == data.test_labels).mean())
"""


def cifar_tui(*arguments: str) -> str:
    """Run the command as a user does; its standard output."""
    done = call(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow("that the demo's pretrained network is as far ahead as it promises")
def test_the_demo_trains_ranks_and_explains(tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    printed = cifar_tui("demo", "--plain", "--runs-dir", str(runs_dir))
    assert "★ most accurate: EfficientNetLite0" in printed
    places = [
        printed.index(f"\n{number}. {question}") for number, question in enumerate(QUESTIONS, 1)
    ]
    assert places == sorted(places)
    lite0, cnn = json.loads(cifar_tui("rank", "--runs-dir", str(runs_dir), "--json"))
    assert [(row["model"], row["status"]) for row in (lite0, cnn)] == [
        ("EfficientNetLite0", "completed"),
        ("CustomCNN", "completed"),
    ]
    assert lite0["test_accuracy"] >= cnn["test_accuracy"] + 0.25
    assert lite0["test_accuracy"] > 0.65
    model = runs_dir / lite0["run_id"] / "model.keras"
    fresh = call(str(model), program=(sys.executable, "-c", CHECK))
    assert fresh.returncode == 0, fresh.stderr
    assert abs(float(fresh.stdout.split()[-1]) - lite0["test_accuracy"]) <= 0.002
