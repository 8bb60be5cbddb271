"""What the notebook is given: the same images in an `.npz`, the same backbone in a `.keras` file.

For a process of its own, so that the one that measures never loads a framework. Prints events, a
line each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.common.codec import from_plain
from engine.common.progress import ignore_progress
from engine.config.spec import RunSpec
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from engine.protocol.events import Event, PhaseChanged, RunEnded, event_to_line

if TYPE_CHECKING:
    from engine.keras_setup.loaded import keras
    from engine.model.build import Classifier

SPEC_FILE = "spec.json"
DATA_FILE = "data.npz"
BASE_FILE = "base.keras"


def prepare(folder: Path) -> None:
    """Write what the notebook needs beside the spec in a folder.

    Raises:
        InputError: the data or the weights cannot be had.
    """
    import numpy as np

    from engine.backend import devices as backend
    from engine.training.preparation import prepare_data, prepare_model

    spec = from_plain(RunSpec, json.loads((folder / SPEC_FILE).read_text()), SPEC_FILE)
    data = prepare_data(spec, _emit)
    dataset = load_dataset(
        spec.dataset, spec.data_path, ignore_progress, image_size=spec.image_size
    )
    np.savez(
        folder / DATA_FILE,
        x_train=dataset.train_images[: spec.train_limit],
        y_train=dataset.train_labels[: spec.train_limit],
        x_test=dataset.test_images,
        y_test=dataset.test_labels,
    )
    _emit(PhaseChanged(phase="loading", detail=backend.name()))
    with backend.on_device(backend.choose_device("cpu")):
        classifier = prepare_model(spec, data, _emit)
        headless(classifier).save(folder / BASE_FILE)


def headless(classifier: Classifier) -> keras.Model:
    """The backbone alone, over the classifier's own layers.

    Returns:
        Preprocessed float32 images (batch, size, size, 3) to feature maps.
    """
    from engine.keras_setup.loaded import keras

    first = classifier.network.get_layer(classifier.backbone[0])
    head = classifier.network.get_layer(classifier.head[0])
    return keras.Model(first.input, head.input, name="backbone")


def _emit(event: Event) -> None:
    print(event_to_line(event), end="", flush=True)


def main() -> int:
    """Prepare the folder that the command line names; the exit status."""
    try:
        prepare(Path(sys.argv[1]))
    except InputError as error:
        _emit(RunEnded(status="failed", error=str(error)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
