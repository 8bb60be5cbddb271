"""Kept features give the same training on every kind of backbone; minutes, so run by hand.

    pytest tests/soak/test_equivalence.py

Random weights, BatchNormalization calibrated on a batch, the notebook's rate: at higher ones random
weights amplify the last bit within a few steps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.config.spec import RunSpec, Stage
from engine.protocol.events import FeaturesReady

pytest_plugins = ["tests.engine.training.conftest"]


@pytest.mark.parametrize(
    "model", ["EfficientNetB0", "ResNet50V2", "DenseNet121", "NASNetMobile", "ConvNeXtTiny"]
)
def test_kept_features_give_the_same_training(
    same_training: Callable[..., tuple[Any, Any]], tmp_path: Path, model: str
) -> None:
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
    kept, _ = same_training(spec)
    assert kept.all(FeaturesReady)
