"""The backbone that the notebook is given is the classifier's own."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from notebook_comparison.preparation import headless

from engine.backbones.catalogue import find_backbone
from engine.model.build import build_classifier, calibrate_batchnorm


@pytest.mark.slow("the notebook's backbone, saved and loaded, predicts as the classifier does")
@pytest.mark.parametrize("name", ["EfficientNetLite0", "MobileNetV3Small"])
def test_a_saved_backbone_under_the_same_head_gives_the_same(name: str, tmp_path: Path) -> None:
    backbone = find_backbone(name)
    classifier = build_classifier(
        backbone, image_shape=(8, 8, 3), image_size=32, classes=10, seed=0, load_weights=None
    )
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    calibrate_batchnorm(classifier.network, images)
    headless(classifier).save(tmp_path / "base.keras")
    base = keras.models.load_model(tmp_path / "base.keras")
    assert len(base.layers) == classifier.backbone_layers
    pixels = keras.ops.image.resize(images.astype("float32"), (32, 32))
    if name == "EfficientNetLite0":
        pixels = (pixels - 127.0) / 128.0
    pooled = keras.ops.mean(base(pixels, training=False), (1, 2))
    alone = classifier.network.get_layer("head_dense")(pooled)
    whole = classifier.network(images, training=False)
    assert float(keras.ops.std(whole)) > 1e-3
    assert np.allclose(alone, whole, atol=1e-5)
