"""The test images that a run was measured on, read again from the place of its data."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from engine.common.progress import ignore_progress
from engine.config.dataset_names import is_folder
from engine.config.spec import RunSpec
from engine.datasets.loading import load_dataset
from engine.datasets.sample_ranges import scaling
from engine.errors import InputError
from engine.protocol.facts import DataFacts, SampleRange

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TestSplit(NamedTuple):
    """The images that a run was tested on, and what they show."""

    images: NDArray[np.uint8]
    """(n, height, width, 3), read-only."""
    labels: NDArray[np.int64]
    """(n,), indices into `class_names`."""
    class_names: tuple[str, ...]
    files: tuple[str, ...]
    """Of a folder: the path of each image within it; empty of other data sets."""


def read_test_images(spec: RunSpec, recorded: DataFacts | None) -> NDArray[np.uint8]:
    """Read the test images of a run's data set, uint8 (n, height, width, 3); as `read_test_split`.

    Raises:
        InputError: the images are not on this machine, cannot be read, or have changed.
    """
    return read_test_split(spec, recorded).images


def read_test_split(spec: RunSpec, recorded: DataFacts | None) -> TestSplit:
    """Read the test split of a run's data set; never downloads.

    It looks at the path that the run was given first, then at the usual places.

    Args:
        spec: of the run.
        recorded: what the run recorded of its data.

    Raises:
        InputError: the images are not on this machine, cannot be read, or have changed.
    """
    facts = (recorded.test_fingerprint, recorded.ranges) if recorded else ("", ())
    try:
        return _read(spec.dataset, spec.data_path, spec.image_size, *facts)
    except InputError:
        if spec.data_path is None or is_folder(spec.dataset):
            raise
    return _read(spec.dataset, None, spec.image_size, *facts)


@functools.lru_cache(maxsize=1)
def _read(
    dataset: str,
    data_path: str | None,
    image_size: int,
    fingerprint: str,
    ranges: tuple[SampleRange, ...] | None,
) -> TestSplit:
    def reject_download(words: str) -> None:
        hint = f"`cifar-tui fetch --dataset {dataset}` gets them"
        raise InputError("", f"the test images of {dataset} on this machine", "none", hint)

    data = load_dataset(
        dataset,
        data_path,
        ignore_progress,
        reject_download,
        image_size=image_size,
        train_limit=0,
        range_of=scaling(ranges),
    )
    if data.test_identity != fingerprint:
        where = f"in {data_path}" if data_path is not None else f"of {dataset}"
        found = f"others {where} by now"
        raise InputError("", "the images that this run was tested on", found, "bring those back")
    # A copy, so that the training images can be freed.
    images = data.test_images.copy()
    images.flags.writeable = False
    return TestSplit(images, data.test_labels, data.class_names, data.test_files)
