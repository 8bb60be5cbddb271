"""Planning: recipes, options and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.backbones.catalogue import find_backbone
from engine.common.codec import from_plain, to_plain
from engine.config.planning import plan_runs, usual_run
from engine.config.recipe import DEFAULT_RECIPE, RECIPES, RECOMMENDED, Recipe
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.config.stage import Stage, Unfreeze
from engine.errors import InputError

BACKBONE = find_backbone("MobileNetV2")
SCRATCH = find_backbone("CustomCNN")
LITE0 = find_backbone("EfficientNetLite0")


def plan(recipe: str = "notebook", **options: Any) -> list[RunSpec]:
    return plan_runs([BACKBONE, SCRATCH], Options(recipe=recipe, **options))


def test_the_notebook_recipe_is_the_exercise() -> None:
    backbone, scratch = plan()
    assert backbone.stages == (Stage("head", 5, 1e-3, 0), Stage("fine-tune", 3, 1e-5, 30))
    assert (backbone.batchnorm, backbone.validation, backbone.batch_size) == ("locked", 0.1, 64)
    assert scratch.stages == (Stage("all", 8, 1e-3, None),)
    assert (scratch.batchnorm, scratch.weights) == ("keras", "none")


def test_the_notebook_recipe_leaves_images_and_weights_alone() -> None:
    for spec in plan():
        assert (spec.flip, spec.views, spec.label_smoothing, spec.keep) == (False, 1, 0.0, "last")
        assert {stage.schedule for stage in spec.stages} == {"constant"}
        assert (spec.precision, spec.feature_cache) == ("float32", True)
        assert (spec.feature_memory_gb, spec.feature_disk_gb) == (None, 20.0)


def test_the_recommended_recipe_reaches_every_model() -> None:
    for spec in plan("recommended"):
        assert (spec.recipe, spec.flip, spec.test_time_flip) == ("recommended", False, True)
        assert spec.label_smoothing == RECOMMENDED.label_smoothing > 0
        assert spec.keep == "best"
        assert spec.stages[-1].schedule == "cosine"
    (lite0,) = plan_runs([LITE0], Options(recipe="recommended"))
    assert lite0.stages == RECOMMENDED.stages
    assert lite0.image_size == dict(RECOMMENDED.image_sizes)["EfficientNetLite0"] > 96


def test_a_learning_rate_given_keeps_the_schedule() -> None:
    backbone, scratch = plan("recommended", epochs=(1, 2), learning_rates=(1e-2, 1e-4))
    last = RECOMMENDED.stages[1].unfreeze_last
    assert backbone.stages[1] == Stage("fine-tune", 2, 1e-4, last, "cosine")
    assert scratch.stages == (Stage("all", 3, 1e-2, None, "cosine"),)


def test_no_recipe_named_is_the_default_one() -> None:
    assert Options().recipe == DEFAULT_RECIPE.name
    assert RECIPES[DEFAULT_RECIPE.name] is DEFAULT_RECIPE


def test_augmentation_asked_for_goes_before_the_recipe() -> None:
    assert {(spec.flip, spec.views) for spec in plan("recommended", flip=False, views=3)} == {
        (False, 3)
    }
    assert {(spec.flip, spec.views) for spec in plan(flip=True, views=64)} == {(True, 64)}


def test_the_settings_of_features_reach_the_spec() -> None:
    asked: dict[str, Any] = {
        "precision": "mixed_bfloat16",
        "feature_cache": False,
        "feature_memory_gb": 0.0,
        "feature_disk_gb": 0.5,
    }
    for spec in plan(**asked):
        assert {name: getattr(spec, name) for name in asked} == asked


def test_the_test_split_never_chooses_the_weights() -> None:
    assert {spec.keep for spec in plan("recommended", validation="test")} == {"last"}


@pytest.mark.parametrize("recipe", [r for r in RECIPES.values() if r.name != "gradual"])
def test_how_many_layers_train_can_be_said_of_every_recipe(recipe: Recipe) -> None:
    stages = plan(recipe.name, unfreeze_last=20)[0].stages
    heads = {stage.name: 0 for stage in recipe.stages if stage.unfreeze_last == 0}
    assert [each.unfreeze_last for each in stages] == [heads.get(each.name, 20) for each in stages]


def test_the_gradual_recipe_unfreezes_block_by_block() -> None:
    backbone, scratch = plan("gradual")
    assert backbone.stages == (
        Stage("head", 3, 1e-3, 0),
        Stage("fine-tune", 7, 3e-4, 0, "cosine", block_every=1),
    )
    assert scratch.stages == (Stage("all", 10, 1e-3, None, "cosine"),)
    assert {(spec.flip, spec.test_time_flip) for spec in (backbone, scratch)} == {(True, True)}


def test_layers_join_in_the_last_stage_of_a_backbone() -> None:
    joins = (Unfreeze(1, 60), Unfreeze(2, None))
    backbone, scratch = plan(unfreezes=joins)
    assert [stage.unfreezes for stage in backbone.stages] == [(), joins]
    assert [stage.unfreezes for stage in scratch.stages] == [()]
    assert backbone.stages[1].unfreeze_last == 30


def test_blocks_join_in_the_last_stage_of_a_backbone() -> None:
    backbone, scratch = plan(block_every=2)
    assert [stage.block_every for stage in backbone.stages] == [0, 2]
    assert [stage.block_every for stage in scratch.stages] == [0]


def test_a_head_alone_may_be_joined() -> None:
    backbone, scratch = plan(epochs=(5,), unfreezes=(Unfreeze(3, 60),))
    assert backbone.stages == (Stage("head", 5, 1e-3, 0, unfreezes=(Unfreeze(3, 60),)),)
    assert scratch.stages == (Stage("all", 5, 1e-3, None),)
    backbone, _ = plan(epochs=(5,), block_every=4)
    assert backbone.stages == (Stage("head", 5, 1e-3, 0, block_every=4),)


def test_a_schedule_asked_for_replaces_the_recipes() -> None:
    backbone, _ = plan("gradual", unfreezes=(Unfreeze(6, None),))
    assert (backbone.stages[1].block_every, backbone.stages[1].unfreezes) == (
        0,
        (Unfreeze(6, None),),
    )
    backbone, _ = plan("gradual", block_every=3, unfreeze_last=10)
    assert (backbone.stages[1].block_every, backbone.stages[1].unfreeze_last) == (3, 10)
    assert backbone.stages[0].unfreeze_last == 0


def test_patience_keeps_the_best_weights() -> None:
    assert {(spec.patience, spec.keep) for spec in plan(patience=3)} == {(3, "best")}
    assert {(spec.patience, spec.keep) for spec in plan()} == {(None, "last")}


def test_the_labels_are_smoothed_as_asked_for_or_as_the_recipe_does() -> None:
    assert {spec.label_smoothing for spec in plan(label_smoothing=0.2)} == {0.2}
    assert {spec.label_smoothing for spec in plan("recommended", label_smoothing=0.0)} == {0.0}
    assert {spec.label_smoothing for spec in plan("recommended")} == {0.05}


def test_the_weights_asked_for_are_kept() -> None:
    assert {spec.keep for spec in plan(keep="best")} == {"best"}
    assert {spec.keep for spec in plan("recommended", keep="last")} == {"last"}
    assert {spec.keep for spec in plan(patience=3, keep="last")} == {"last"}
    assert {spec.keep for spec in plan(keep="last", validation="test")} == {"last"}


def test_the_rate_of_the_last_stage_takes_the_course_asked_for() -> None:
    backbone, scratch = plan(schedule="cosine")
    assert [stage.schedule for stage in backbone.stages] == ["constant", "cosine"]
    assert [stage.schedule for stage in scratch.stages] == ["cosine"]
    backbone, scratch = plan("recommended", schedule="constant")
    assert {stage.schedule for stage in (*backbone.stages, *scratch.stages)} == {"constant"}
    (head,) = plan(epochs=(4,), schedule="cosine")[0].stages
    assert head.schedule == "cosine"


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
    asked: list[dict[str, Any]] = [
        {"validation": "test", "image_size": 64},
        {"recipe": "recommended", "views": 3, "feature_memory_gb": 1.5, "feature_cache": False},
        {"unfreezes": (Unfreeze(1, 60), Unfreeze(2, None)), "patience": 3},
        {"recipe": "gradual"},
    ]
    for options in asked:
        for spec in plan(**options):
            assert from_plain(RunSpec, json.loads(json.dumps(to_plain(spec)))) == spec


def test_a_spec_of_an_earlier_version_is_read() -> None:
    earlier = {
        "model": "MobileNetV2",
        "dataset": "cifar10",
        "stages": [
            {"name": "head", "epochs": 5, "learning_rate": 0.001, "unfreeze_last": 0},
            {"name": "fine-tune", "epochs": 3, "learning_rate": 1e-05, "unfreeze_last": 30},
        ],
        "image_size": 96,
        "batch_size": 64,
        "recipe": "notebook",
        "data_path": None,
        "train_limit": None,
        "validation": 0.1,
        "batchnorm": "locked",
        "seed": 0,
        "device": "auto",
        "weights": "imagenet",
    }
    read = from_plain(RunSpec, earlier)
    assert read == plan()[0]
    assert read.patience is None
    assert {(stage.unfreezes, stage.block_every) for stage in read.stages} == {((), 0)}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"recipe": "cake"}, "recipe: expected notebook"),
        ({"dataset": "imagenet"}, "dataset: expected cifar10"),
        ({"epochs": (0,)}, "epochs: expected 1 to 10000, found 0"),
        ({"epochs": (1, 1, 1)}, "has 2 stages"),
        ({"epochs": ()}, "epochs: expected at most 2"),
        ({"learning_rates": (1e-3, 1e-3, 1e-3)}, "has 2 stages"),
        ({"epochs": (3,), "learning_rates": (1e-3, 1e-5)}, "has 1 stage"),
        ({"epochs": (3,), "unfreeze_last": 10}, "unfreeze_last: expected"),
        ({"unfreezes": (Unfreeze(3, 60),)}, "unfreezes: expected rising epochs of 1 or more"),
        ({"epochs": (5, 1), "unfreezes": (Unfreeze(1, 60),)}, "below the last stage's 1, found 1"),
        (
            {"unfreezes": (Unfreeze(1, 29),)},
            "expected 30 to 100000 layers or all after epoch 1, found 29",
        ),
        (
            {"unfreeze_last": 61, "unfreezes": (Unfreeze(1, 60),)},
            "expected 61 to 100000 layers or all",
        ),
        ({"unfreezes": (Unfreeze(1, 60),), "block_every": 1}, "expected no `block_every` beside"),
        ({"block_every": 3}, "block_every: expected fewer than the last stage's epochs, 3"),
        ({"patience": 3, "validation": "test"}, "patience: expected training images held out"),
        ({"keep": "best", "validation": "test"}, "keep: expected training images held out"),
        ({"image_size": 31}, "image_size: expected 32 px or more for MobileNetV2, found 31"),
    ],
    ids=str,
)
def test_bad_options_are_refused_by_name(options: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError) as refusal:
        plan(**options)
    assert names in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_paths_are_recorded_so_that_they_hold_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for spec in plan(data_path="data.npz", weights="own.h5"):
        assert spec.data_path == str(tmp_path / "data.npz")
        assert spec.weights == str(tmp_path / "own.h5")
    assert {spec.weights for spec in plan(weights="none")} == {"none"}


def test_what_was_not_asked_for_is_as_the_recipe_has_it() -> None:
    for recipe in RECIPES:
        for spec in plan(recipe, dataset="digits"):
            assert usual_run(spec) == spec
    (asked, _) = plan(batch_size=32)
    (usual, _) = plan()
    assert usual_run(asked) == usual != asked
    assert usual_run(replace(asked, recipe="one that was removed")) is None
    assert usual_run(replace(asked, model="one that was removed")) is None
