"""The test images that a run was measured on, read again from the place of its data."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.common.progress import ignore_progress
from engine.config.dataset_names import is_folder
from engine.config.spec import RunSpec
from engine.datasets.loading import load_dataset
from engine.datasets.sample_ranges import scaling
from engine.errors import InputError
from engine.protocol.facts import SampleRange
from engine.runs.listing import RunRecord
from engine.runs.reading import recorded_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TestedOn:
    """What a run recorded of its test images; empty where these are always the same."""

    __test__ = False  # pytest would take it for a test class

    fingerprint: str = ""
    ranges: tuple[SampleRange, ...] | None = ()
    """As `DataFacts` has them."""


def read_test_images(spec: RunSpec, tested_on: TestedOn = TestedOn()) -> NDArray[np.uint8]:
    """Read the test split of a run's data set, uint8 (n, height, width, 3); never downloads.

    It looks at the path that the run was given first, then at the usual places.

    Args:
        spec: of the run.
        tested_on: from `recorded_images`.

    Raises:
        InputError: the images are not on this machine, cannot be read, or have changed.
    """
    try:
        return _read(spec.dataset, spec.data_path, spec.image_size, tested_on)
    except InputError:
        if spec.data_path is None or is_folder(spec.dataset):
            raise
    return _read(spec.dataset, None, spec.image_size, tested_on)


def recorded_images(run: RunRecord) -> TestedOn:
    """Read which images a run was tested on, and how they were scaled."""
    data = recorded_data(run.directory.events)
    return TestedOn(data.test_fingerprint, data.ranges) if data is not None else TestedOn()


@functools.lru_cache(maxsize=1)
def _read(
    dataset: str, data_path: str | None, image_size: int, tested_on: TestedOn
) -> NDArray[np.uint8]:
    def reject_download(words: str) -> None:
        hint = "get them with `cifar-tui train` and `data_path`, or with its download"
        raise InputError("", f"the test images of {dataset} on this machine", "none", hint)

    data = load_dataset(
        dataset,
        data_path,
        ignore_progress,
        reject_download,
        image_size=image_size,
        train_limit=0,
        range_of=scaling(tested_on.ranges),
    )
    if data.test_identity != tested_on.fingerprint:
        where = f"in {data_path}" if data_path is not None else f"of {dataset}"
        found = f"others {where} by now"
        raise InputError("", "the images that this run was tested on", found, "bring those back")
    # A copy, so that the training images can be freed.
    images = data.test_images.copy()
    images.flags.writeable = False
    return images
