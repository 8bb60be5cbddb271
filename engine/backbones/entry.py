"""What the catalogue says of a backbone and of its weights file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["keras", "lite0", "scratch"]


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A published file of ImageNet weights without the classifier."""

    file: str
    """Its name in Keras' cache, which is not always the last part of the URL."""
    url: str
    bytes: int
    """About, for showing only: Keras publishes no sizes, so never a check."""
    hash: str
    """`md5:<hex>` or `sha256:<hex>`, as published; empty where Keras publishes none."""
    input_size: int | None = None
    """The input size it was trained at, pixels, where there is a file for each."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """One entry of the catalogue."""

    name: str
    """As `keras.applications` spells it; its constructor is `keras.applications.<name>`."""
    source: Source
    module: str
    """Module of `keras.applications` that holds its `preprocess_input`."""
    parameters: int
    """Of the backbone, without its ImageNet classifier; of the whole network for CustomCNN."""
    depth: int
    """Convolutions, depthwise convolutions and dense layers on the longest path, head included."""
    flops: int
    """2 × multiply-adds at `image_size`, head for ten classes included."""
    imagenet_top1: float | None
    """Published ImageNet top-1 accuracy, 0 to 1."""
    image_size: int
    """Default input size, pixels."""
    min_image_size: int
    weights: tuple[WeightsFile, ...] = ()
    """More than one where the file depends on the input size."""

    @property
    def from_scratch(self) -> bool:
        """Whether it has no pretrained weights and one stage."""
        return self.source == "scratch"

    def flops_at(self, image_size: int) -> float:
        """FLOPs for one image of so many pixels a side: those of convolutions grow by its area."""
        return self.flops * (image_size / self.image_size) ** 2
