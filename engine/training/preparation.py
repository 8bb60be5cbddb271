"""Before the first batch: data in memory, the network built, its weights loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone
from engine.config.dataset_names import title
from engine.config.spec import RunSpec
from engine.datasets.dataset import Dataset
from engine.datasets.loading import load_dataset
from engine.datasets.split import limit_and_split
from engine.features.pool import Pool
from engine.protocol.events import Event, LogLine, PhaseChanged, PhaseProgressed
from engine.protocol.facts import DataFacts
from engine.runs.directory import RunDirectory
from engine.runs.image_files import ImageFiles
from engine.runs.reading import recorded_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.model.build import Classifier

    Indices = NDArray[np.int64]

CALIBRATION_IMAGES = 256


@dataclass(frozen=True)
class Data:
    """The images a run uses, and which of them are in which split."""

    pools: dict[str, Pool]
    """`train`: all training images of the run, the hold-out included; `test`."""
    train: Indices
    """int64 (n,), of the pool `train`."""
    validation: Indices
    validation_pool: Literal["train", "test"]
    facts: DataFacts
    files: ImageFiles | None = None
    """Of a folder."""


def prepare_data(spec: RunSpec, emit: Callable[[Event], None], *, has_begun: bool = False) -> Data:
    """Find, download if need be, and split the data set.

    Args:
        spec: of the run.
        emit: takes the events on the way.
        has_begun: whether the run continues from a checkpoint; it may then lack images of a class,
            as it did before.

    Raises:
        InputError: the data cannot be had or cannot be split so.
    """
    dataset = load_dataset(
        spec.dataset,
        spec.data_path,
        _progress(emit),
        partial(_downloading, emit),
        image_size=spec.image_size,
        train_limit=spec.train_limit,
        has_begun=has_begun,
    )
    for note in dataset.notes:
        emit(LogLine(level="info", text=f"{title(spec.dataset)}: {note}"))
    for warning in dataset.warnings:
        emit(LogLine(level="warning", text=f"{title(spec.dataset)}: {warning}"))
    return _split(dataset, spec, has_begun)


def _split(dataset: Dataset, spec: RunSpec, has_begun: bool) -> Data:
    import numpy as np

    kept, held_out = limit_and_split(
        dataset.train_labels,
        spec.train_limit,
        spec.validation,
        spec.seed,
        dataset.class_names,
        needs_all=not has_begun,
    )
    count = len(kept) + len(held_out)
    of = dataset.fingerprint if spec.feature_cache else ""
    images, labels = dataset.train_images[:count], dataset.train_labels[:count]
    views = spec.view_count
    train = Pool("train", images, labels, views, f"{of} train {count}", spec.flip)
    tested = (dataset.test_images, dataset.test_labels)
    test = Pool("test", *tested, spec.test_views, f"{of} test", spec.test_time_flip)
    on_test = spec.validation == "test"
    if on_test:
        held_out = np.arange(len(test.labels), dtype=np.int64)
    facts = DataFacts(
        len(kept),
        len(held_out),
        len(test.labels),
        dataset.class_names,
        dataset.identity,
        dataset.test_identity,
        ranges=dataset.ranges,
    )
    where: Literal["train", "test"] = "test" if on_test else "train"
    unreadable = tuple(dataset.seen.unreadable)
    files = ImageFiles(dataset.test_files, unreadable) if dataset.test_files else None
    return Data({"train": train, "test": test}, kept, held_out, where, facts, files)


def prepare_model(spec: RunSpec, data: Data, emit: Callable[[Event], None]) -> Classifier:
    """Build the network with its pretrained weights.

    Raises:
        InputError: weights that cannot be had or do not fit.
    """
    from engine.model.build import build_classifier, calibrate_batchnorm
    from engine.model.preprocessing import CHECKED_IMAGES, check_input
    from engine.weights.load import load_into, load_published
    from engine.weights.locate import locate_weights
    from engine.weights.own import load_own, read_own

    backbone = find_backbone(spec.model)
    path = locate_weights(
        backbone,
        spec.image_size,
        spec.weights,
        _progress(emit),
        partial(_downloading, emit),
    )
    own = read_own(path) if path is not None and spec.weights != "imagenet" else None
    load_weights: Callable[[Any], None] | None = None
    if path is not None and spec.weights == "imagenet":
        load_weights = partial(load_published, path=path, backbone=backbone)
    elif path is not None and own is None:
        load_weights = partial(load_into, path=path, backbone_name=backbone.name)
    emit(PhaseChanged(phase="loading", detail=backbone.name))
    classifier = build_classifier(
        backbone,
        image_shape=data.pools["train"].images.shape[1:],
        image_size=spec.image_size,
        classes=len(data.facts.class_names),
        seed=spec.seed,
        precision=spec.precision,
        load_weights=load_weights,
    )
    if path is not None and own is not None:
        same = _same_classes(path, data.facts.class_names)
        words = load_own(classifier, path, own, has_same_classes=same)
        emit(LogLine(level="info", text=f"{backbone.name} {words}"))
    if path is None and not backbone.from_scratch:
        images = data.pools["train"].images[data.train[:CALIBRATION_IMAGES]]
        calibrate_batchnorm(classifier.network, images)
        emit(LogLine(level="warning", text=_random_weights(backbone, len(images))))
    elif path is not None:
        rows = data.train[:CHECKED_IMAGES]
        line = check_input(backbone, classifier, data.pools["train"].images[rows])
        if line is not None:
            emit(line)
    return classifier


def _same_classes(path: Path, names: tuple[str, ...]) -> bool | None:
    """Tell whether the run of that model had the same classes; None where that is not known."""
    data = recorded_data(RunDirectory(path.parent).events)
    return data.class_names == names if data is not None else None


def _random_weights(backbone: Backbone, images: int) -> str:
    return (
        f"{backbone.name} starts from random weights (`weights` none); its BatchNormalization "
        f"statistics were set from {images:,} training images"
    )


def _downloading(emit: Callable[[Event], None], detail: str) -> None:
    emit(PhaseChanged(phase="downloading", detail=detail))


def _progress(emit: Callable[[Event], None]) -> Any:
    def tell(done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
        emit(PhaseProgressed(done=done, total=total, unit=unit))

    return tell
