"""Kept features give the same training on every kind of backbone; minutes, so run by hand.

    pytest tests/soak/test_equivalence.py

Random weights, BatchNormalization calibrated on a batch, the notebook's rate: at higher ones random
weights amplify the last bit within a few steps.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.events import FeaturesReady
from tests.support.training import train_twice, trainer_in


@pytest.mark.parametrize(
    "model",
    ["MobileNetV2", "EfficientNetB0", "ResNet50V2", "DenseNet121", "NASNetMobile", "ConvNeXtTiny"],
)
def test_kept_features_give_the_same_training(tmp_path: Path, model: str) -> None:
    spec = RunSpec(
        model=model,
        dataset="digits",
        stages=(Stage("fine-tune", 2, 1e-5, 30),),
        image_size=32,
        batch_size=16,
        train_limit=100,
        validation=0.2,
        weights="none",
    )
    kept, _ = train_twice(trainer_in(tmp_path), spec)
    assert kept.all(FeaturesReady)
