"""A backbone's row in the catalogue: plain values, which import no network.

For a network not in `keras.applications`, its row names the functions that make it as
`package.module:function`; `engine.model` and `engine.weights` import them when a run needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.backbones.families import Family


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A published file of ImageNet weights without the classifier."""

    file: str
    """Its name in Keras' cache, which is not always the last part of the URL."""
    url: str
    bytes: int
    """Approximate bytes, only to show: Keras publishes no sizes, so this is never checked."""
    hash: str
    """`md5:<hex>` or `sha256:<hex>`, as published; empty where Keras publishes none."""
    input_size: int | None = None
    """The input size it was trained at, pixels, if each size has its file."""


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """ImageNet weights that are installed as a file of a Python package."""

    package: str
    """The package's import name."""
    file: str
    """Path of the file within the package's folder."""
    extra: str = ""
    """The extra of this program that installs it; empty where all have it."""


@dataclass(frozen=True, slots=True)
class ExpectedInput:
    """What a backbone's weights expect of its input: (pixel, 0 to 255, / scale) - offset."""

    words: str
    scale: tuple[float, float, float]
    """Divisors of the channels in the order in which they arrive."""
    offset: tuple[float, float, float]
    order: str = "RGB"

    def of(self, colour: Sequence[float]) -> tuple[float, ...]:
        """Return the three values that a colour (red, green, blue, 0 to 255) should become."""
        arriving = colour if self.order == "RGB" else colour[::-1]
        return tuple(
            value / scale - offset
            for value, scale, offset in zip(arriving, self.scale, self.offset, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One entry of the catalogue."""

    name: str
    """Its name; without a `builder` its constructor is `keras.applications.<name>`."""
    module: str = ""
    """Without a `builder`, the module of `keras.applications` with its `preprocess_input`."""
    builder: str = ""
    """For another network: `package.module:function`, from preprocessed images, float32 (batch,
    height, width, 3), to features, (batch, height, width, channels) or (batch, channels)."""
    preprocessing: str = ""
    """For another network: `package.module:function`, from pixels, float32 (batch, height, width,
    3) from 0 to 255, to the builder's input; empty where the builder takes pixels."""
    weights_loader: str = ""
    """`package.module:function` of a model and a path, which puts the file's weights into the
    model, all or none, or raises InputError; empty for Keras' own formats."""
    from_scratch: bool = False
    """Whether it has no pretrained weights and one stage, in which all of it trains."""
    parameters: int
    """Parameters of the backbone without its ImageNet classifier; of all of CustomCNN."""
    depth: int
    """Convolutions, depthwise convolutions and dense layers on the longest path, head included."""
    flops: int
    """2 × multiply-adds at `image_size`, head for ten classes included."""
    imagenet_top1: float | None
    """Published ImageNet top-1 accuracy, 0 to 1."""
    image_size: int
    """Default input size, pixels."""
    min_image_size: int = 32
    is_separable: bool = False
    """Whether it mostly computes depthwise and 1 × 1 convolutions, which are slower per FLOP."""
    expects: ExpectedInput | None = None
    """The input with which its weights were trained; None without weights."""
    weights: tuple[WeightsFile, ...] = ()
    """Published files; more than one where the file depends on the input size."""
    packaged: PackagedWeights | None = None
    """Weights in a package, in place of `weights`."""
    family: Family | None = None
    """What is told of it beside its numbers; None where nobody wrote it down."""

    def flops_at(self, image_size: int) -> float:
        """Return the FLOPs for an image of this side, pixels: convolutions grow with its area."""
        return self.flops * (image_size / self.image_size) ** 2
