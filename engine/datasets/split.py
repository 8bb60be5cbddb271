"""Which training images train and which are held out to validate."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
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
    class_names: Sequence[str] = (),
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the images to train on and of those held out, each ascending.

    Args:
        dataset_labels: (N,), the labels of all training images.
        train_limit: take the first so many, the hold-out included; None, or more than there
            are, takes all.
        validation: share held out, stratified by class; `"test"` holds out nothing.
        seed: the same seed gives the same hold-out.
        class_names: for the error.

    Raises:
        InputError: too few images to have every class on both sides.
    """
    import numpy as np

    labels = dataset_labels[:train_limit]
    indices = np.arange(len(labels), dtype=np.int64)
    if validation == "test":
        return indices, indices[:0]
    check_hold_out(labels.tolist(), validation, class_names, is_limited=train_limit is not None)
    from sklearn.model_selection import train_test_split

    train, held_out = train_test_split(
        indices, test_size=validation, stratify=labels, random_state=seed
    )
    return np.sort(train), np.sort(held_out)


def check_hold_out(
    labels: Sequence[int], validation: float, class_names: Sequence[str], *, is_limited: bool
) -> None:
    """Refuse training images too few to have every class on both sides of the hold-out.

    Args:
        labels: of the training images.
        validation: share held out.
        class_names: for the error; numbers stand for them where there are none.
        is_limited: whether there are more images than these.

    Raises:
        InputError: says what would be enough.
    """
    counts = Counter(labels)
    least = min(counts, key=lambda label: (counts[label], label), default=0)
    more = "raise --train-limit" if is_limited else "add images"
    if counts[least] < 2:
        name = class_names[least] if class_names else str(least)
        raise InputError(
            f"--validation: expected at least 2 training images of a class, found {counts[least]} "
            f"of {name!r} among {len(labels):,}; {more}, or give --validation test"
        )
    held_out = math.ceil(validation * len(labels))  # as scikit-learn rounds it
    if min(held_out, len(labels) - held_out) < len(counts):
        # With two images of each class a half is enough, so that there always is such a share.
        enough = math.ceil(100 * len(counts) / len(labels)) / 100
        raise InputError(
            f"--validation: expected one image of each of the {len(counts)} classes or more both "
            f"to train and to validate, found {len(labels):,} training images, {held_out:,} of "
            f"them to validate by {validation:g}; {more}, or give --validation {enough:g}"
        )
