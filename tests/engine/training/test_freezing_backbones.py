"""What is called frozen is frozen in real backbones, with and without lock and features."""

from __future__ import annotations

import pytest

from engine.config.settings import BatchNorm
from tests.support.freezing.families import family_spec, two_paths
from tests.support.freezing.proof import ProveFreezing

pytestmark = pytest.mark.slow("frozen layers stand still in real backbones, by their weights")


@pytest.mark.parametrize(
    ("model", "batchnorm", "cache"),
    [
        ("MobileNetV2", "keras", True),
        ("ResNet50V2", "locked", False),
        ("VGG16", "locked", False),
        ("EfficientNetB0", "keras", True),
        ("EfficientNetLite0", "locked", True),
        ("CustomCNN", "keras", True),
    ],
)
def test_a_block_and_the_last_layers_freeze_again(
    prove_freezing: ProveFreezing, model: str, batchnorm: BatchNorm, cache: bool
) -> None:
    prove_freezing(family_spec(model, batchnorm, cache=cache), two_paths)
