"""Builds a classifier: raw images in, preprocessing, a flat backbone, a head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

import numpy as np

from engine.backbones.entry import Backbone
from engine.config.settings import Precision
from engine.keras_setup.loaded import keras
from engine.model.blocks import HEAD_DENSE, HEAD_DROPOUT, HEAD_POOL
from engine.model.graph import leaf_layers

HEAD = (HEAD_POOL, HEAD_DROPOUT, HEAD_DENSE)
DROPOUT_RATE = 0.2

LoadWeights = Callable[[keras.Model], None]


@dataclass(frozen=True)
class Classifier:
    """A network and the names of its parts."""

    network: keras.Model
    """uint8 (batch, height, width, 3) to probabilities (batch, classes) float32."""
    backbone: tuple[str, ...]
    """The backbone's layers in Keras' order, without its input; empty for one from scratch."""
    head: tuple[str, ...]

    @property
    def backbone_layers(self) -> int:
        """As Keras counts `len(backbone.layers)`, its input included; 0 for one from scratch."""
        return len(self.backbone) + 1 if self.backbone else 0


def build_classifier(
    backbone: Backbone,
    *,
    image_shape: tuple[int, int, int],
    image_size: int,
    classes: int,
    seed: int,
    load_weights: LoadWeights | None,
    precision: Precision = "float32",
) -> Classifier:
    """Build a catalogue entry as a classifier; the same arguments give equal weights and names.

    Args:
        backbone: the catalogue entry.
        image_shape: height, width and 3 of the images as they are stored.
        image_size: pixels a side at which the backbone sees them.
        classes: number of classes.
        seed: for the weights that are not loaded and for dropout.
        load_weights: called with a model whose layers with weights are exactly the backbone's;
            None leaves them random. A model from scratch never calls it: it has no weights
            without its head.
        precision: of the computations; weights and the head's probabilities stay float32.
    """
    # Keras numbers unnamed layers throughout a process; commands and checkpoints need the same
    # names in every process.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return _build(backbone, image_shape, image_size, classes, seed, load_weights)
    finally:
        keras.config.set_dtype_policy(before)


def _build(
    backbone: Backbone,
    image_shape: tuple[int, int, int],
    image_size: int,
    classes: int,
    seed: int,
    load_weights: LoadWeights | None,
) -> Classifier:
    images = keras.Input(image_shape, dtype="uint8", name="images")
    pixels = keras.ops.cast(images, "float32")
    if image_shape[:2] != (image_size, image_size):
        # The layer `Resizing` switches all that follows to training mode wherever the network is
        # called without a mode: dropout and batch statistics in a plain `model(images)`.
        pixels = keras.ops.image.resize(pixels, (image_size, image_size))
    prepared = _preprocess(backbone, pixels)
    before = {layer.name for layer in keras.Model(images, prepared).layers}
    base = _build_base(backbone, images, prepared)
    if load_weights is not None and not backbone.from_scratch:
        load_weights(base)
        _restore_rescaling(backbone, base)
    names = tuple(layer.name for layer in base.layers if layer.name not in before)
    head = HEAD if len(base.output.shape) > 2 else HEAD[1:]
    network = _put_head(images, base.output, classes, seed, backbone.name)
    return Classifier(network, () if backbone.from_scratch else names, head)


def _preprocess(backbone: Backbone, pixels: Any) -> Any:
    if backbone.module:
        return getattr(keras.applications, backbone.module).preprocess_input(pixels)
    return resolve_name(backbone.preprocessing)(pixels) if backbone.preprocessing else pixels


def _build_base(backbone: Backbone, images: Any, prepared: Any) -> keras.Model:
    if backbone.builder:
        return keras.Model(images, resolve_name(backbone.builder)(prepared))
    constructor = getattr(keras.applications, backbone.name)
    return constructor(include_top=False, weights=None, input_tensor=prepared)


def _restore_rescaling(backbone: Backbone, base: keras.Model) -> None:
    """Restore what `EfficientNetB*(weights="imagenet")` has and the same without weights lacks.

    Keras divides by the square root of the channels' deviation once more, in a layer that it
    leaves out without "imagenet"; here it goes into the variance of the normalization, which is
    equivalent. A file whose normalization does nothing was made without that layer.
    """
    if backbone.module != "efficientnet":
        return
    normalization = next(x for x in base.layers if isinstance(x, keras.layers.Normalization))
    mean, variance, *count = normalization.get_weights()
    if not np.allclose(variance, 1):
        deviation = np.array([0.229, 0.224, 0.225], "float32")
        normalization.set_weights([mean, variance * deviation, *count])
        normalization.finalize_state()


def _put_head(images: Any, features: Any, classes: int, seed: int, name: str) -> keras.Model:
    pooled = features
    if len(features.shape) > 2:
        pooled = keras.layers.GlobalAveragePooling2D(name=HEAD_POOL)(features)
    dropped = keras.layers.Dropout(DROPOUT_RATE, seed=seed, name=HEAD_DROPOUT)(pooled)
    outputs = keras.layers.Dense(classes, activation="softmax", dtype="float32", name=HEAD_DENSE)(
        dropped
    )
    return keras.Model(images, outputs, name=name)


def with_head(classifier: Classifier, classes: int) -> keras.Model:
    """Return a network over the classifier's own layers, but with a new head for `classes`."""
    network = classifier.network
    features = network.get_layer(HEAD_DENSE).input
    # Zeros draw no random number: later random draws stay the same.
    other = keras.layers.Dense(classes, kernel_initializer="zeros", name=HEAD_DENSE)(features)
    return keras.Model(network.input, other, name=network.name)


def calibrate_batchnorm(network: keras.Model, images: np.ndarray) -> None:
    """Set the moving statistics of every BatchNormalization to those of one batch.

    With random weights they are 0 and 1, and in inference mode the features vanish layer by
    layer (MobileNetV2: deviation 6e-12), so that any comparison compares zeros.

    Args:
        network: changed in place, only the statistics.
        images: uint8 (batch, height, width, 3).
    """
    norms = [
        layer
        for layer in leaf_layers(network).values()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    before = [(norm.momentum, norm.trainable) for norm in norms]
    for norm in norms:
        norm.momentum, norm.trainable = 0.0, True
    network(images, training=True)
    for norm, (momentum, trainable) in zip(norms, before, strict=True):
        norm.momentum, norm.trainable = momentum, trainable
