"""From options to the specs of runs: recipe and catalogue fill in what was not asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone
from engine.common.folders import expanded
from engine.config.dataset_names import resolve
from engine.config.recipe import Recipe
from engine.config.recipe_store import find_recipe
from engine.config.settings import OF_RECIPES, Keep, KeptSettings, Options, check_limits
from engine.config.spec import RunSpec
from engine.config.stage import Stage, check_joining
from engine.errors import InputError


def plan_runs(models: Sequence[Backbone], options: Options) -> list[RunSpec]:
    """Return a spec for each model and seed, in order; recipe and catalogue fill what is not given.

    Raises:
        InputError: an option is not valid.
    """
    recipe = find_recipe(options.recipe)
    check_options(options, recipe)
    return [_plan(model, recipe, options, seed) for model in models for seed in options.seeds]


def usual_run(spec: RunSpec) -> RunSpec | None:
    """Return the run that recipe and catalogue alone would make of a run's model and data.

    None where they do not know its recipe or its model.
    """
    options = Options(recipe=spec.recipe, dataset=spec.dataset, data_path=spec.data_path)
    try:
        (usual,) = plan_runs([find_backbone(spec.model)], options)
    except InputError:
        return None
    return usual


def recipe_from(name: str, options: Options, models: Sequence[Backbone] = ()) -> Recipe:
    """Return a new recipe: the one that `options` name, with what they change.

    Args:
        name: of the new recipe.
        options: data, device, seeds, limits, patience and weights are not part of a recipe, nor is
            the test split for validation; which weights to keep stays as it is without those.
        models: those for which a chosen image size is kept.

    Raises:
        InputError: an option is not valid.
    """
    base = find_recipe(options.recipe)
    check_options(options, base)
    (scratch,) = _scratch_stages(base, options)
    sizes = dict(base.image_sizes)
    if options.image_size is not None:
        sizes |= {model.name: options.image_size for model in models if not model.from_scratch}
    decided = _decided(options, base) | {"keep": options.keep or base.keep}
    if options.validation == "test":
        decided["validation"] = base.validation
    return replace(
        base,
        name=name,
        stages=_backbone_stages(base, options),
        scratch_learning_rate=scratch.learning_rate,
        scratch_epochs=scratch.epochs,
        image_sizes=tuple(sizes.items()),
        **decided,
    )


def _plan(model: Backbone, recipe: Recipe, options: Options, seed: int) -> RunSpec:
    usual = dict(recipe.image_sizes).get(model.name, model.image_size)
    # A model trained from scratch has no pretrained input scale to match: it keeps the images'.
    image_size = usual if model.from_scratch else options.image_size or usual
    if image_size < model.min_image_size:
        raise InputError(
            "image_size",
            f"{model.min_image_size} px or more for {model.name}",
            str(image_size),
            f"leave the option out for its default of {usual}",
        )
    stages = _scratch_stages if model.from_scratch else _backbone_stages
    dataset, data_path = resolve(options.dataset, options.data_path)
    settings = {field.name: getattr(options, field.name) for field in fields(KeptSettings)}
    settings |= _decided(options, recipe) | {"keep": _keep(recipe, options)}
    if model.from_scratch:
        settings["batchnorm"] = "keras"
    return RunSpec(
        model=model.name,
        dataset=dataset,
        stages=stages(recipe, options),
        image_size=image_size,
        recipe=recipe.name,
        data_path=None if data_path is None else os.path.abspath(expanded(data_path)),
        seed=seed,
        weights=_weights(options.weights, model),
        **settings,
    )


def _decided(options: Options, recipe: Recipe) -> dict[str, Any]:
    """Return what a recipe decides unless an option does, by field."""
    decided = {}
    for field in OF_RECIPES:
        asked = getattr(options, field, None)
        decided[field] = getattr(recipe, field) if asked is None else asked
    return decided


def _weights(asked: str, model: Backbone) -> str:
    if asked in ("imagenet", "none"):
        return "none" if model.from_scratch else asked
    # One that still holds where the run is resumed from another folder.
    return os.path.abspath(expanded(asked))


def _backbone_stages(recipe: Recipe, options: Options) -> tuple[Stage, ...]:
    epochs = options.epochs or tuple(stage.epochs for stage in recipe.stages)
    rates = options.learning_rates or ()
    stages = []
    for i, (stage, count) in enumerate(zip(recipe.stages, epochs, strict=False)):
        rate = rates[i] if i < len(rates) else stage.learning_rate
        last = stage.unfreeze_last
        if _fine_tunes(i, stage) and options.unfreeze_last is not None:
            last = options.unfreeze_last
        stages.append(replace(stage, epochs=count, learning_rate=rate, unfreeze_last=last))
    stages[-1] = replace(stages[-1], schedule=options.schedule or stages[-1].schedule)
    if options.unfreezes or options.block_every is not None:
        joins, block_every = options.unfreezes, options.block_every or 0
        stages[-1] = replace(stages[-1], unfreezes=joins, block_every=block_every)
    return tuple(stages)


def _fine_tunes(index: int, stage: Stage) -> bool:
    """Return whether a stage of a recipe trains more than the head, as all do after a first one."""
    return index > 0 or stage.unfreeze_last != 0


def _keep(recipe: Recipe, options: Options) -> Keep:
    if options.keep is not None:
        return options.keep
    # The best on the test split would be chosen by what it is then measured on.
    if options.validation == "test":
        return "last"
    return "best" if options.patience is not None else recipe.keep


def _scratch_stages(recipe: Recipe, options: Options) -> tuple[Stage, ...]:
    usual = recipe.scratch_epochs or sum(stage.epochs for stage in recipe.stages)
    epochs = sum(options.epochs) if options.epochs else usual
    rate = options.learning_rates[0] if options.learning_rates else recipe.scratch_learning_rate
    # One stage is the last one too: it ends as the recipe ends a training.
    return (Stage("all", epochs, rate, None, options.schedule or recipe.stages[-1].schedule),)


def check_options(options: Options, recipe: Recipe) -> None:
    """Reject values that make no sense under a recipe, by the name of their option.

    Raises:
        InputError: which option, what was expected and what was found.
    """
    resolve(options.dataset, options.data_path)
    check_limits(options)
    _check_stages(options, recipe)
    if options.unfreezes or options.block_every is not None:
        check_joining(_backbone_stages(recipe, options)[-1])
    for field, chooses in (("patience", options.patience), ("keep", options.keep == "best")):
        if chooses and options.validation == "test":
            raise InputError(
                field,
                "training images held out for validation",
                "the test split, which must not choose anything",
                "give `validation` a share, like 0.1",
            )


def _check_stages(options: Options, recipe: Recipe) -> None:
    """Reject more values than stages, or none."""
    stages = len(recipe.stages)
    for field, values in (("epochs", options.epochs), ("learning_rates", options.learning_rates)):
        if values is not None and not 1 <= len(values) <= stages:
            hint = f"the training asked for has {stages} stage{'s' if stages > 1 else ''}"
            raise InputError(field, f"at most {stages}, one a stage", str(len(values)), hint)
        if options.epochs:
            stages = len(options.epochs)
    if options.unfreeze_last is not None and not any(
        _fine_tunes(i, stage) for i, stage in enumerate(recipe.stages[:stages])
    ):
        raise InputError(
            "unfreeze_last",
            "a stage that fine-tunes",
            "only the head's",
            "give `epochs` a number for each stage, like 5,3",
        )
