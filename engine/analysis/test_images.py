"""The test images that a run was measured on, read again from where its data lies."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from engine.config import RunSpec
from engine.dataset_names import is_folder
from engine.datasets import load_dataset
from engine.errors import InputError
from engine.progress import ignore_progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_test_images(spec: RunSpec) -> NDArray[np.uint8]:
    """The test split of a run's data set, uint8 (n, height, width, 3); never downloads.

    The path that the run was given comes first, then the usual places.

    Raises:
        InputError: the images are not on this machine, or cannot be read.
    """
    try:
        return _read(spec.dataset, spec.data_path, spec.image_size)
    except InputError:
        if spec.data_path is None or is_folder(spec.dataset):
            raise
    return _read(spec.dataset, None, spec.image_size)


@functools.lru_cache(maxsize=1)
def _read(dataset: str, data_path: str | None, image_size: int) -> NDArray[np.uint8]:
    def refuse(words: str) -> None:
        raise InputError(
            f"expected the test images of {dataset} on this machine, found none; "
            f"`cifar-tui train` with --data PATH or with its download brings them"
        )

    data = load_dataset(
        dataset, data_path, ignore_progress, refuse, image_size=image_size, train_limit=0
    )
    # Of its own, so that the training images can go.
    images = data.test_images.copy()
    images.flags.writeable = False
    return images
