"""One CIFAR batch, pickled or binary, from bytes to images and labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.common.progress import Progress
from engine.datasets.archives import CifarSet
from engine.datasets.unpickle import load_plain
from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMAGE_BYTES = 3 * 32 * 32
"""Red, green and blue plane of 32 rows of 32 pixels."""


class Batch(NamedTuple):
    """Images and labels that belong together."""

    images: NDArray[np.uint8]
    """(N, 32, 32, 3)."""
    labels: NDArray[np.int64]
    """(N,)."""


def read_batches(
    files: Iterable[tuple[str, bytes]], where: str, progress: Progress, cifar: CifarSet
) -> list[Batch]:
    """Return all batches, training first, of whichever version is complete.

    Args:
        files: names of the data set's batches and their bytes, in any order.
        where: names their archive or folder in errors.
        progress: called with the number of images read.
        cifar: the data set.

    Raises:
        InputError: a batch is missing or not what it should be.
    """
    batches: dict[str, Batch] = {}
    images = 0
    for name, data in files:
        parse = _parse_binary if name in cifar.binary_batches else _parse_python
        batches[name] = parse(data, f"{where}: {name}", cifar)
        images += len(batches[name].labels)
        progress(images, None, "images")
    for names in (cifar.binary_batches, cifar.python_batches):
        if batches.keys() >= set(names):
            return [batches[name] for name in names]
    raise InputError(f"{where}: {missing_batches(batches, cifar)}")


def missing_batches(found: Iterable[str], cifar: CifarSet) -> str:
    """Return a sentence on what is missing, where neither version is complete."""
    present = cifar.batch_names.intersection(found)
    binary = cifar.binary_batches
    names = binary if present & set(binary) else cifar.python_batches
    missing = [name for name in names if name not in present]
    if len(missing) == len(names):
        *training, test = names
        words = training[0] if len(training) == 1 else f"{training[0]} to {training[-1]}"
        return (
            f"expected the {cifar.title} batches {words} and {test} (or .bin), "
            "found none of them; name the official archive, its extracted folder or an .npz"
        )
    return (
        f"expected all {len(names)} {cifar.title} batches, {', '.join(missing)} not found; "
        "get the data again"
    )


def checked(images: NDArray[Any], labels: NDArray[Any], where: str, cifar: CifarSet) -> Batch:
    """Return images and labels of one split or batch, after checking them.

    Args:
        images: uint8 (N, 32, 32, 3).
        labels: integers (N,), 0 to the number of classes - 1.
        where: names them in errors.
        cifar: the data set.

    Raises:
        InputError: they are not as described.
    """
    import numpy as np

    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (32, 32, 3):
        raise InputError(
            f"{where}: expected uint8 images of 32×32×3, found {images.dtype} {images.shape}; "
            f"use {cifar.title} as published"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise InputError(
            f"{where}: expected one integer label an image, found {labels.dtype} {labels.shape}; "
            f"use {cifar.title} as published"
        )
    if len(images) != len(labels) or len(labels) == 0:
        raise InputError(
            f"{where}: expected a label for every image and at least one, "
            f"found {len(images)} images and {len(labels)} labels; get the data again"
        )
    low, high = int(labels.min()), int(labels.max())
    most = len(cifar.class_names) - 1
    if low < 0 or high > most:
        raise InputError(
            f"{where}: expected labels 0 to {most}, found {low} to {high}; "
            f"use {cifar.title}, not another set"
        )
    return Batch(images, labels.astype(np.int64))


def _parse_binary(data: bytes, where: str, cifar: CifarSet) -> Batch:
    import numpy as np

    row_bytes = cifar.label_bytes + IMAGE_BYTES
    if not data or len(data) % row_bytes:
        raise InputError(
            f"{where}: expected rows of {row_bytes} bytes, found {len(data):,} bytes, "
            "which is not a whole number of rows; get the file again"
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, row_bytes)
    images, labels = rows[:, cifar.label_bytes :], rows[:, cifar.label_bytes - 1]
    return checked(_channels_last(images), labels, where, cifar)


def _parse_python(data: bytes, where: str, cifar: CifarSet) -> Batch:
    import numpy as np

    batch = load_plain(data, where)
    images, labels = batch.get("data"), batch.get(cifar.label_key)
    if not isinstance(images, np.ndarray) or not isinstance(labels, (list, np.ndarray)):
        keys = ", ".join(sorted(batch))[:60] or "nothing"
        raise InputError(
            f"{where}: expected an array 'data' and a list '{cifar.label_key}', found {keys}; "
            f"use {cifar.title} as published"
        )
    if images.ndim != 2 or images.shape[1] != IMAGE_BYTES:
        raise InputError(
            f"{where}: expected data of N×{IMAGE_BYTES} columns, found {images.shape}; "
            f"use {cifar.title} as published"
        )
    if isinstance(labels, list) and not all(type(label) is int for label in labels):
        raise InputError(
            f"{where}: expected a list of integer labels, found other things in it; "
            "get the data again"
        )
    try:
        numbers = np.asarray(labels, dtype=np.int64) if isinstance(labels, list) else labels
    except OverflowError:
        most = len(cifar.class_names) - 1
        raise InputError(
            f"{where}: expected labels 0 to {most}, found one of many digits; get the data again"
        ) from None
    return checked(_channels_last(images), numbers, where, cifar)


def _channels_last(planes: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    images = np.empty((len(planes), 32 * 32, 3), planes.dtype)
    for channel, plane in enumerate(np.split(planes, 3, axis=1)):
        images[..., channel] = plane  # twice as fast as one copy of the transposed array
    return images.reshape(-1, 32, 32, 3)
