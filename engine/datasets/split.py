"""Which training images train, and which are held out to validate."""

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
    *,
    needs_all: bool = True,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the images to train on and of those held out, each ascending.

    Args:
        dataset_labels: (N,), the labels of all training images.
        train_limit: take only the first ones, the hold-out included; None, or more than there
            are, takes all.
        validation: share held out, stratified by class; `"test"` holds out nothing.
        seed: the same seed gives the same hold-out.
        class_names: of all classes; without them, those that occur are all.
        needs_all: whether a class without an image is an error, as for every new run.

    Raises:
        InputError: too few images to have every class on every side.
    """
    import numpy as np

    labels = dataset_labels[:train_limit]
    indices = np.arange(len(labels), dtype=np.int64)
    is_limited = train_limit is not None and train_limit <= len(dataset_labels)
    names = class_names if needs_all else ()
    check_training(labels.tolist(), validation, names, is_limited=is_limited)
    if validation == "test":
        return indices, indices[:0]
    from sklearn.model_selection import train_test_split

    train, held_out = train_test_split(
        indices, test_size=validation, stratify=labels, random_state=seed
    )
    return np.sort(train), np.sort(held_out)


def check_training(
    labels: Sequence[int],
    validation: float | Literal["test"],
    class_names: Sequence[str],
    *,
    is_limited: bool,
) -> None:
    """Reject training images too few to have every class on every side.

    Args:
        labels: of the training images.
        validation: share held out; `"test"` for none.
        class_names: of all classes; without them, those that occur are all, named by number.
        is_limited: whether there are more images than these.

    Raises:
        InputError: says what would be enough.
    """
    counts = Counter(labels)
    classes = range(len(class_names)) if class_names else sorted(counts)
    least = min(classes, key=lambda label: counts[label], default=0)
    more = "raise `train_limit`" if is_limited else "add images"
    needed = 1 if validation == "test" else 2
    if (found := counts[least]) < needed:
        name = class_names[least] if class_names else str(least)
        raise InputError(
            "validation" if found else "train_limit" if is_limited else "",
            f"at least {needed} training image{'s' if needed > 1 else ''} of a class",
            f"{found} of {name!r} among {len(labels):,}",
            f"{more}, or give `validation` test" if found else more,
        )
    if validation == "test":
        return
    held_out = math.ceil(validation * len(labels))  # as scikit-learn rounds it
    if min(held_out, len(labels) - held_out) < len(classes):
        # With two images of each class a half is enough, so that there always is such a share.
        enough = math.ceil(100 * len(classes) / len(labels)) / 100
        raise InputError(
            "validation",
            f"one image of each of the {len(classes)} classes or more both to train and to "
            "validate",
            f"{len(labels):,} training images, {held_out:,} of them to validate by {validation:g}",
            f"{more}, or give `validation` {enough:g}",
        )
