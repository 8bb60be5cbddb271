"""CustomCNN: small, and it learns."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from engine.backbones.catalogue import find_backbone
from engine.model.build import build_classifier


@pytest.mark.slow("that CustomCNN learns")
def test_it_is_small_and_learns_the_digits() -> None:
    digits = load_digits()
    images = np.repeat((digits.images * 255 / 16).astype("uint8")[..., None], 3, axis=-1)
    classifier = build_classifier(
        find_backbone("CustomCNN"),
        image_shape=(8, 8, 3),
        image_size=32,
        classes=10,
        seed=0,
        load_weights=None,
    )
    network = classifier.network
    assert classifier.backbone == ()
    assert classifier.backbone_layers == 0
    assert 100_000 < network.count_params() < 350_000
    network.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    network.fit(images[:600], digits.target[:600], batch_size=32, epochs=5, verbose=0)
    answers = network.predict(images[600:900], verbose=0).argmax(axis=1)
    assert (answers == digits.target[600:900]).mean() > 0.85
