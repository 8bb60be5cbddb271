"""What a run has in memory before its first batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.errors import InputError
from engine.training.preparation import prepare_data
from tests.support.images import SmallCifar10


@pytest.mark.parametrize("validation", [0.2, "test"])
def test_a_training_set_that_lacks_a_class_begins_no_run(
    small_cifar10: SmallCifar10, tmp_path: Path, validation: float
) -> None:
    labels = small_cifar10.labels.copy()
    labels[labels == 3] = 0
    np.savez(
        tmp_path / "cats-gone.npz",
        x_train=small_cifar10.images[:100],
        y_train=labels[:100],
        x_test=small_cifar10.images[100:],
        y_test=small_cifar10.labels[100:],
    )
    spec = RunSpec(
        model="CustomCNN",
        dataset="cifar10",
        stages=(Stage("all", 1, 1e-3, None),),
        image_size=32,
        data_path=str(tmp_path / "cats-gone.npz"),
        validation=validation,
    )
    with pytest.raises(InputError, match="found 0 of 'cat' among 100; add images"):
        prepare_data(spec, lambda event: None)
    data = prepare_data(spec, lambda event: None, has_begun=True)
    assert data.facts.class_names[3] == "cat"
    assert 3 not in data.pools["train"].labels
