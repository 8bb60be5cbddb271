"""What events report of a model, its layers, the data and a GPU: frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from engine.common.text import one_line_name


@dataclass(frozen=True, slots=True)
class LayerNode:
    """One row of the layer tree: a layer where `children` is empty, else a group of layers."""

    name: str
    """The Keras layer name of a leaf, the one that commands use; a group's own name otherwise."""
    kind: str
    """Keras class name of a leaf; `backbone`, `stage`, `block`, `head` or `input` for a group."""
    output_shape: tuple[int | None, ...]
    """Shape of one output, without the batch axis; of a group, that of its last layer."""
    parameters: int
    """Number of weights, moving statistics included."""
    trainable: bool
    """Whether the leaf trains; for a group, whether any leaf below does."""
    children: tuple[LayerNode, ...] = ()
    flops: int = 0
    """2 × multiply-adds for one image; of a group, those of its leaves."""
    trainable_parameters: int = 0
    """Of `parameters`, those that train when the layer does: moving statistics never do."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model before it trains."""

    parameters: int
    depth: int
    """Convolutions, depthwise convolutions and dense layers on the longest path."""
    flops: int
    """2 × multiply-adds of convolutions and dense layers for one image at the run's input size."""
    image_size: int
    backbone_layers: int
    """As Keras counts `len(backbone.layers)`, its input included; 0 for a model without one."""


@dataclass(frozen=True, slots=True)
class SampleRange:
    """The samples that become 0 and 255; values outside are clipped."""

    format: str
    """`16-bit`, `16-bit colour`, `integer` (of 32 bits) or `float`."""
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is known of the data a run uses."""

    train_images: int
    validation_images: int
    test_images: int
    class_names: tuple[str, ...]
    fingerprint: str = ""
    """Of what may be others under the same name: SHA-256 (hex) of the images of both splits and
    their classes, of a folder over the files, of a package's data set over the arrays."""
    test_fingerprint: str = ""
    """The same over those of the test split."""
    ranges: tuple[SampleRange, ...] | None = None
    """Of a folder: the samples of more than 8 bits that became 0 and 255, one range a format; None
    in older records, where each image was scaled by its own largest sample."""

    def __post_init__(self) -> None:
        # Earlier records hold the names of folders as they are, newlines and all.
        object.__setattr__(self, "class_names", tuple(map(one_line_name, self.class_names)))


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU at one moment; None where NVML gives no value."""

    name: str
    utilization_percent: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    throttled: str | None = None
    """What holds its clocks down: `thermal`, `power`; empty where nothing does."""
    processes: int | None = None
    """How many of those that compute on it can be seen from here."""
    uuid: str = ""
    cuda_index: int | None = None
    """N of the device `gpu:N`; None where it is hidden from CUDA or the order is not known."""
    note: str = ""
    """What else is known of it: `MIG`, `lost`."""
