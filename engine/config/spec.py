"""The spec of a run: everything it is asked to do, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BatchNorm = Literal["locked", "keras"]
Precision = Literal["float32", "mixed_bfloat16"]
Schedule = Literal["constant", "cosine"]
Keep = Literal["last", "best"]
GIGABYTE = 10**9
MEMORY_SHARE = 0.4
"""Share of the free memory for features, where no limit was given."""
DISK_LIMIT_GB = 20.0


@dataclass(frozen=True, slots=True)
class Unfreeze:
    """More layers to train from some epoch of a stage on."""

    after_epoch: int
    """Epoch of the stage, from 1; they train from the next one on."""
    last: int | None
    """How many of the backbone's last layers train then; None for all."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training with its own trainable layers and learning rate."""

    name: str
    """What screens and records call it."""
    epochs: int
    learning_rate: float
    """The learning rate at the stage's start."""
    unfreeze_last: int | None
    """How many of the backbone's last layers train besides the head; None for all."""
    schedule: Schedule = "constant"
    """Course of the learning rate over the stage: `cosine` falls to zero at its end."""
    unfreezes: tuple[Unfreeze, ...] = ()
    """Layers that join in its course, by epoch."""
    block_every: int = 0
    """One more block joins after every so many epochs, from the output on; 0 for none."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything a run is asked to do; on one machine the same spec and seed give the same run."""

    model: str
    """Catalogue name."""
    dataset: str
    """A known name such as `cifar10`, or `folder:<name>` with the folder in `data_path`."""
    stages: tuple[Stage, ...]
    """One after the other."""
    image_size: int
    """Side of the network's input, pixels."""
    batch_size: int = 64
    """Images a step."""
    recipe: str = "notebook"
    """Its name; what it sets is in the other fields."""
    data_path: str | None = None
    """Path of the data; None for a known data set that is found or downloaded."""
    train_limit: int | None = None
    """First N training images, the hold-out included; None for all."""
    validation: float | Literal["test"] = 0.1
    """Share of the training images held out, or the test split as the exercise does it."""
    batchnorm: BatchNorm = "locked"
    """BatchNormalization of the backbone: in inference mode and frozen, or as Keras does it."""
    seed: int = 0
    """Seed of the hold-out, the order of images and views, the initial weights and dropout."""
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or `gpu:N`."""
    weights: str = "imagenet"
    """`imagenet`, `none` or a path; for a model from scratch `none` or a path."""
    precision: Precision = "float32"
    """Number format that layers compute with."""
    flip: bool = False
    """Whether training images are seen mirrored half of the time."""
    views: int = 1
    """Crops in which each training image is seen: itself, and `views` - 1 random ones."""
    label_smoothing: float = 0.0
    """Label smoothing of the loss, from 0 to below 1."""
    keep: Keep = "last"
    """Which weights are tested and exported: the last, or the best on the validation images."""
    patience: int | None = None
    """Epochs without a better validation accuracy after which a stage ends; None for never."""
    checkpoint_minutes: float = 5.0
    """Minutes between checkpoints within an epoch; one is written at every epoch's end."""
    feature_cache: bool = True
    """Whether the frozen prefix is computed once and its features kept."""
    feature_memory_gb: float | None = None
    """Features held in memory, 10⁹ bytes; None takes a share of what is free."""
    feature_disk_gb: float = DISK_LIMIT_GB
    """Features kept on disk for later runs, of all runs together, 10⁹ bytes."""

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def view_count(self) -> int:
        """Views of each training image: its crops, each mirrored too where `flip` is on."""
        return self.views * (2 if self.flip else 1)
