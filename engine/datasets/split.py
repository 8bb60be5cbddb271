"""Which training images train and which are held out to validate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def limit_and_split(
    dataset_labels: NDArray[np.int64],
    train_limit: int | None,
    validation: float | Literal["test"],
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the images to train on and of those held out, each ascending.

    Args:
        dataset_labels: (N,), the labels of all training images.
        train_limit: take the first so many, the hold-out included; None, or more than there
            are, takes all.
        validation: share held out, stratified by class; `"test"` holds out nothing.
        seed: the same seed gives the same hold-out.

    Raises:
        InputError: too few images to have every class on both sides.
    """
    import numpy as np

    labels = dataset_labels[:train_limit]
    indices = np.arange(len(labels), dtype=np.int64)
    if validation == "test":
        return indices, indices[:0]
    _check_enough(labels, validation)
    from sklearn.model_selection import train_test_split

    train, held_out = train_test_split(
        indices, test_size=validation, stratify=labels, random_state=seed
    )
    return np.sort(train), np.sort(held_out)


def _check_enough(labels: NDArray[np.int64], validation: float) -> None:
    import numpy as np

    classes, counts = np.unique(labels, return_counts=True)
    held_out = math.ceil(validation * len(labels))  # as scikit-learn rounds it
    found = f"found {len(labels)} with a share of {validation:g}"
    todo = "raise --train-limit or change --validation"
    if len(counts) == 0 or counts.min() < 2:
        single = f", and of class {classes[counts.argmin()]} only one" if len(counts) else ""
        raise InputError(
            f"hold-out: expected at least 2 training images of a class, {found}{single}; {todo}"
        )
    if min(held_out, len(labels) - held_out) < len(classes):
        raise InputError(
            f"hold-out: expected one image of each of the {len(classes)} classes or more both to "
            f"train and to validate, {found}, {held_out} of them to validate; {todo}"
        )
