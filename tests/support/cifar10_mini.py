"""The choice of CIFAR-10's images that the program brings along, and how its file is made.

`python -m tests.support.cifar10_mini FOLDER` writes the file from the real images in FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.common.progress import ignore_progress
from engine.datasets.cifar10_mini import COLUMNS, FILE, TEST_PER_CLASS, TRAIN_PER_CLASS
from engine.datasets.dataset import Dataset
from engine.datasets.layouts import SIDE
from engine.datasets.loading import load_dataset

SEED = 0


def chosen(whole: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images to train and to test, (10, images a class, 32, 32, 3), by class."""
    rng = np.random.default_rng(SEED)

    def choose(
        images: NDArray[np.uint8], labels: NDArray[np.int64], number: int
    ) -> NDArray[np.uint8]:
        classes = range(len(whole.class_names))
        picked = [rng.choice(np.flatnonzero(labels == each), number, False) for each in classes]
        return np.stack([images[places] for places in picked])

    train = choose(whole.train_images, whole.train_labels, TRAIN_PER_CLASS)
    return train, choose(whole.test_images, whole.test_labels, TEST_PER_CLASS)


def write(data_path: Path, file: Path = FILE) -> None:
    """Write the mosaic; takes half a minute.

    Args:
        data_path: the folder of the real images.
        file: what to write.
    """
    train, test = chosen(load_dataset("cifar10", str(data_path), ignore_progress))
    tiles = np.concatenate([part.reshape(-1, COLUMNS, SIDE, SIDE, 3) for part in (train, test)])
    rows, columns = tiles.shape[:2]
    mosaic = tiles.swapaxes(1, 2).reshape(rows * SIDE, columns * SIDE, 3)
    Image.fromarray(mosaic).save(file, "WEBP", lossless=True, quality=100, method=6)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
