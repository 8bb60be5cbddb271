"""What is called frozen is frozen in the catalogue's other families; minutes, so run by hand.

pytest tests/soak/test_freezing.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.settings import BatchNorm
from tests.support.freezing.families import family_spec, two_paths
from tests.support.freezing.proof import prove
from tests.support.training import trainer_in


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
    tmp_path: Path, model: str, batchnorm: BatchNorm
) -> None:
    prove(trainer_in(tmp_path), family_spec(model, batchnorm), two_paths)
