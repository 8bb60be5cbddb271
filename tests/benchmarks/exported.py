"""Classify all test images with an exported model in plain Keras, as another program would.

    python tests/benchmarks/exported.py MODEL.keras --dataset NAME [--data PATH]

Only the images, which must be those of the run, are read by this program; prints the accuracy as
one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

# The source tree that this file belongs to reads the images, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import keras
import numpy as np

from engine.common.progress import ignore_progress
from engine.datasets.loading import load_dataset


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Test an exported model in plain Keras.")
    parser.add_argument("model", help="the .keras file in a run directory")
    parser.add_argument("--dataset", required=True, help="whose test images it classifies")
    parser.add_argument("--data", help="where they are, as in `cifar-tui train`")
    arguments = parser.parse_args()
    data = load_dataset(arguments.dataset, arguments.data, ignore_progress)
    model = keras.models.load_model(arguments.model, compile=False)
    with np.load(Path(arguments.model).with_name("predictions.npz")) as recorded:
        if not np.array_equal(recorded["labels"], data.test_labels):
            sys.exit("these are not the test images of the run")
    found = np.argmax(model.predict(data.test_images, verbose=0), axis=1)
    hits = found == data.test_labels
    print(json.dumps({"accuracy": float(hits.mean())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
