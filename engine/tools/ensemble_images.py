"""The images that runs have in common: those that none of them trained on, and the test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.common.progress import Progress
from engine.config.dataset_names import is_folder
from engine.datasets.dataset import Dataset
from engine.datasets.loading import load_dataset
from engine.datasets.published import OnDownload
from engine.datasets.sample_ranges import scaling
from engine.datasets.split import limit_and_split
from engine.errors import InputError
from engine.tools.ensemble_candidates import Candidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_IMAGES = 200
"""Fewer images than these, held out by chance in all of several splits, choose too much by luck."""


@dataclass(frozen=True, eq=False, slots=True)
class Labelled:
    """Images and what they show."""

    images: NDArray[np.uint8]
    """(n, height, width, 3)."""
    labels: NDArray[np.int64]
    """(n,), indices into the class names."""


@dataclass(frozen=True, eq=False, slots=True)
class CommonImages:
    """What the candidates can be judged by."""

    validation: Labelled | None
    """Held out by all of them; None where there are too few."""
    test: Labelled
    why_none: str = ""
    """A phrase of why nothing can be chosen; empty where it can."""


def read_common_images(candidates: Sequence[Candidate], progress: Progress) -> CommonImages:
    """Read the images of the candidates' data set; never downloads.

    Images of a folder have the largest size that a candidate takes.

    Args:
        candidates: of one data set, tested on the same images.
        progress: called while images are read.

    Raises:
        InputError: the images are not on this machine, cannot be read, or are others by now.
    """
    why_none = _why_nothing_is_shared(candidates)
    data = _load(candidates, progress, is_for_test=bool(why_none))
    test = Labelled(data.test_images, data.test_labels)
    if not why_none and data.identity != candidates[0].started.data.fingerprint:
        why_none = "the training images are others by now"
    if why_none:
        return CommonImages(None, test, why_none)
    kept, why_none = _held_out_by_all(candidates, data)
    if why_none:
        return CommonImages(None, test, why_none)
    validation = Labelled(data.train_images[kept], data.train_labels[kept])
    return CommonImages(validation, test)


def _why_nothing_is_shared(candidates: Sequence[Candidate]) -> str:
    """Return why no image can be held out by all, as far as the records say; empty if it may."""
    for each in candidates:
        if each.spec.validation == "test":
            return f"{each.run_id} held out no training images"
        if each.spec.weights not in ("imagenet", "none"):
            # Those of another run may have been trained on what this one held out.
            return f"what the weights that {each.run_id} started from were trained on is not known"
    if len({each.started.data.fingerprint for each in candidates}) > 1:
        return "they were not trained on the same images"
    return ""


def _held_out_by_all(
    candidates: Sequence[Candidate], data: Dataset
) -> tuple[NDArray[np.int64], str]:
    """Return the indices of the training images that all held out, and why they are too few.

    A single split is taken whole, however small; of several only as many as `LEAST_IMAGES`.
    """
    import numpy as np

    asked = {
        (each.spec.train_limit, each.spec.validation, each.spec.seed): None for each in candidates
    }
    splits = [
        limit_and_split(data.train_labels, *split, data.class_names, needs_all=False)[1]
        for split in asked
    ]
    common = splits[0]
    for split in splits[1:]:
        common = np.intersect1d(common, split)
    is_one_split = all(len(split) == len(common) for split in splits)
    if is_one_split or len(common) >= LEAST_IMAGES:
        return common, ""
    return common, f"they hold out {len(common):,} images in common, fewer than {LEAST_IMAGES}"


def _load(candidates: Sequence[Candidate], progress: Progress, *, is_for_test: bool) -> Dataset:
    """Read the data set where one of the candidates had it, or at the usual places."""
    spec, facts = candidates[0].spec, candidates[0].started.data
    paths: dict[str | None, None] = {each.spec.data_path: None for each in candidates}
    if not is_folder(spec.dataset):
        paths[None] = None
    problem: InputError | None = None
    for path in paths:
        try:
            data = load_dataset(
                spec.dataset,
                path,
                progress,
                _reject_download(spec.dataset),
                image_size=max(each.spec.image_size for each in candidates),
                train_limit=0 if is_for_test else _most(candidates),
                range_of=scaling(facts.ranges),
                has_begun=True,
            )
        except InputError as error:
            problem = problem or error
            continue
        if data.test_identity == facts.test_fingerprint:
            return data
        found = f"others in {path}" if path else "others"
        expected = "the images that these runs were tested on"
        problem = problem or InputError("", expected, f"{found} by now", "bring those back")
    assert problem is not None  # there is at least one path
    raise problem


def _most(candidates: Sequence[Candidate]) -> int | None:
    """Return how many training images the candidates read at most; None for all."""
    limits = [each.spec.train_limit for each in candidates]
    return None if None in limits else max(limit for limit in limits if limit is not None)


def _reject_download(dataset: str) -> OnDownload:
    def reject(words: str) -> None:
        hint = f"`cifar-tui fetch --dataset {dataset}` gets them"
        raise InputError("", f"the images of {dataset} on this machine", "none", hint)

    return reject
