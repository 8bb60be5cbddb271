"""scikit-learn's handwritten digits as small RGB images: real data that needs no download."""

from __future__ import annotations

from engine.datasets.dataset import Dataset
from engine.errors import InputError

TRAIN_IMAGES, TEST_IMAGES = 1_297, 500
CLASS_NAMES = tuple("0123456789")


def check(data_path: str | None) -> str:
    """Say where the digits come from.

    Raises:
        InputError: a data path was given, which they have no use for.
    """
    if data_path is not None:
        raise InputError(
            f"--data: the digits are built in, found {data_path!r}; leave the option out, "
            "or ask for --dataset cifar10"
        )
    return "digits built in"


def load(data_path: str | None) -> Dataset:
    """The 1,797 digits as uint8 (N, 8, 8, 3), split into 1,297 for training and 500 for testing.

    The split is stratified and the same in every run, whatever the run's seed.

    Raises:
        InputError: a data path was given.
    """
    source = check(data_path)
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # published as 0 to 16
    images = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    labels = bunch.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_IMAGES, stratify=labels, random_state=0
    )
    return Dataset(
        "digits", images[train], labels[train], images[test], labels[test], CLASS_NAMES, source
    )
