"""What is called frozen is frozen in the catalogue's other families; minutes, so run by hand.

pytest tests/soak/test_freezing.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.config.spec import BatchNorm
from tests.engine.training.freeze_cases.families import family_spec, two_paths

pytest_plugins = ["tests.engine.training.conftest"]


@pytest.mark.parametrize("batchnorm", ["locked", "keras"])
@pytest.mark.parametrize(
    "model",
    [
        "DenseNet121",
        "InceptionV3",
        "Xception",
        "NASNetMobile",
        "MobileNetV3Small",
        "ConvNeXtTiny",
        "EfficientNetV2B0",
        "InceptionResNetV2",
        "MobileNet",
    ],
)
def test_a_block_and_the_last_layers_freeze_again(
    prove_freezing: Callable[..., Any], model: str, batchnorm: BatchNorm
) -> None:
    prove_freezing(family_spec(model, batchnorm), two_paths)
