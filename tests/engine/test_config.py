"""Planning: recipes, options and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.codec import from_plain, to_plain
from engine.config import ModelTraits, Options, RunSpec, Stage, plan_runs
from engine.errors import InputError

BACKBONE = ModelTraits("MobileNetV2", image_size=96, min_image_size=32, from_scratch=False)
SCRATCH = ModelTraits("CustomCNN", image_size=32, min_image_size=32, from_scratch=True)


def plan(**options: Any) -> list[RunSpec]:
    return plan_runs([BACKBONE, SCRATCH], Options(**options))


def test_the_notebook_recipe_is_the_exercise() -> None:
    backbone, scratch = plan()
    assert backbone.stages == (Stage("head", 5, 1e-3, 0), Stage("fine-tune", 3, 1e-5, 30))
    assert (backbone.batchnorm, backbone.validation, backbone.batch_size) == ("locked", 0.1, 64)
    assert scratch.stages == (Stage("all", 8, 1e-3, None),)
    assert (scratch.batchnorm, scratch.weights) == ("keras", "none")


def test_epochs_and_rates_go_to_their_stages() -> None:
    backbone, scratch = plan(epochs=(2, 1), learning_rates=(0.01, 0.001), unfreeze_last=5)
    assert backbone.stages == (Stage("head", 2, 0.01, 0), Stage("fine-tune", 1, 0.001, 5))
    assert scratch.stages == (Stage("all", 3, 0.01, None),)


def test_a_single_number_means_the_head_only() -> None:
    backbone, scratch = plan(epochs=(4,))
    assert backbone.stages == (Stage("head", 4, 1e-3, 0),)
    assert scratch.stages == (Stage("all", 4, 1e-3, None),)


def test_each_seed_is_a_run_of_its_own() -> None:
    runs = plan(seeds=(3, 4))
    assert [(run.model, run.seed) for run in runs] == [
        ("MobileNetV2", 3),
        ("MobileNetV2", 4),
        ("CustomCNN", 3),
        ("CustomCNN", 4),
    ]


def test_the_image_size_is_for_backbones() -> None:
    assert [run.image_size for run in plan(image_size=128)] == [128, 32]


def test_a_spec_survives_its_json_form() -> None:
    for spec in plan(validation="test", image_size=64):
        assert from_plain(RunSpec, to_plain(spec)) == spec


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"recipe": "cake"}, "recipe"),
        ({"dataset": "imagenet"}, "--dataset"),
        ({"epochs": (0,)}, "--epochs"),
        ({"epochs": (1, -1)}, "--epochs"),
        ({"epochs": (1, 1, 1)}, "has 2 stages"),
        ({"epochs": ()}, "--epochs"),
        ({"learning_rates": (0.0,)}, "--learning-rate"),
        ({"learning_rates": (-1.0,)}, "--learning-rate"),
        ({"learning_rates": (math.nan,)}, "--learning-rate"),
        ({"learning_rates": (math.inf,)}, "--learning-rate"),
        ({"learning_rates": (1e-3, 1e-3, 1e-3)}, "has 2 stages"),
        ({"epochs": (3,), "learning_rates": (1e-3, 1e-5)}, "has 1 stage"),
        ({"epochs": (3,), "unfreeze_last": 10}, "--unfreeze-last"),
        ({"unfreeze_last": 0}, "--unfreeze-last"),
        ({"image_size": 31}, "MobileNetV2 needs 32"),
        ({"image_size": 0}, "--image-size"),
        ({"image_size": 100_000}, "--image-size"),
        ({"batch_size": 0}, "--batch-size"),
        ({"batch_size": -64}, "--batch-size"),
        ({"train_limit": 0}, "--train-limit"),
        ({"validation": 0.0}, "--validation"),
        ({"validation": math.nan}, "--validation"),
        ({"validation": 1.0}, "--validation"),
        ({"device": "tpu"}, "--device"),
        ({"device": "gpu:x"}, "--device"),
        ({"device": "cpu:1"}, "--device"),
        ({"seeds": (-1,)}, "--seed"),
    ],
    ids=str,
)
def test_bad_options_are_refused_by_name(options: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError) as refusal:
        plan(**options)
    assert names in str(refusal.value)
    assert "\n" not in str(refusal.value)
