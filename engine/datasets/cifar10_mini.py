"""1,500 of CIFAR-10's photographs, which come with the program: real data without a download.

Their source, and that they are not under this program's licence, is in the NOTICE file.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from engine.common.progress import Progress
from engine.datasets.archives import CIFAR10
from engine.datasets.dataset import Dataset
from engine.datasets.layouts import SIDE
from engine.datasets.published import OnDownload
from engine.datasets.source import DataRequest, DatasetSource
from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = Path(__file__).with_suffix(".webp")
"""A lossless mosaic of images of 32 by 32 pixels: those to train, class by class, then those to
test. `tests/support/cifar10_mini.py` chooses them and writes it."""
SHA256 = "ec12ca6e62f7cd597cb949a00a5991c45d29df40c289b02253a83938418e1020"
COLUMNS = 50
TRAIN_PER_CLASS, TEST_PER_CLASS = 100, 50


class Cifar10Mini(DatasetSource):
    """100 images a class to train and 50 to test, chosen once by a seed."""

    def count(self, request: DataRequest) -> tuple[int, int]:
        classes = len(CIFAR10.class_names)
        return classes * TRAIN_PER_CLASS, classes * TEST_PER_CLASS

    def check(self, request: DataRequest) -> str:
        """Say that it is built in, once its file is seen to be whole, which takes a few ms.

        Raises:
            InputError: a path is named beside it, or the installed file is missing or damaged.
        """
        _content()
        return super().check(request)

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        source = self.check(request)
        import numpy as np

        names = CIFAR10.class_names
        classes = np.arange(len(names))
        tiles = _tiles()
        trained = len(classes) * TRAIN_PER_CLASS
        # Interleaved: the first N of the training images hold every class equally often.
        by_class = tiles[:trained].reshape(len(classes), TRAIN_PER_CLASS, *tiles.shape[1:])
        train_images = by_class.swapaxes(0, 1).reshape(-1, *tiles.shape[1:])
        train_labels = np.tile(classes, TRAIN_PER_CLASS)
        test_labels = np.repeat(classes, TEST_PER_CLASS)
        return Dataset(train_images, train_labels, tiles[trained:], test_labels, names, source)


def _tiles() -> NDArray[np.uint8]:
    """Return the images in the file's order, (1500, 32, 32, 3).

    Raises:
        InputError: the file is missing or damaged.
    """
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(_content())) as picture:
        mosaic = np.asarray(picture.convert("RGB"))
    rows = len(mosaic) // SIDE
    return mosaic.reshape(rows, SIDE, COLUMNS, SIDE, 3).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)


def _content() -> bytes:
    expected, hint = f"the installed file with SHA-256 {SHA256}", "install cifar-tui again"
    try:
        content = FILE.read_bytes()
    except OSError as error:
        raise InputError(FILE, expected, error.strerror or str(error), hint) from None
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise InputError(FILE, expected, found, hint)
    return content
