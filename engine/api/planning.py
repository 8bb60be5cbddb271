"""From options to runs that can begin: all that can be checked before anything is written.

Light: loads neither Keras nor pandas, and asks nothing of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.recipe import DEMO
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.datasets.loading import check_dataset
from engine.keras_setup.loading import check_can_compute
from engine.runs.weights import resolve_weights
from engine.weights.locate import check_weights

DEMO_MODELS = ("EfficientNetLite0", "CustomCNN")
DEMO_DATASET = "cifar10-mini"


def with_weights(options: Options, runs_dir: Path) -> tuple[Options, str]:
    """Return the options with the weights file of the run that they may name.

    Returns:
        The options, and a remark on the choice, mostly empty.

    Raises:
        InputError: the name is ambiguous, or the run has no model.
    """
    weights, note = resolve_weights(options.weights, runs_dir)
    return replace(options, weights=weights), note


def plan(models: Sequence[str], options: Options) -> list[RunSpec]:
    """Return the runs to do, one per model and seed, after all checks that need no backend.

    Args:
        models: of the catalogue, in any case.
        options: with weights that name no run; see `with_weights`.

    Raises:
        InputError: the first check that fails.
    """
    check_can_compute()
    backbones = [find_backbone(name) for name in models]
    specs = plan_runs(backbones, options)
    check_dataset(options)
    check_weights(backbones, options.weights)
    return specs


def plan_demo() -> list[RunSpec]:
    """Return the runs of the demo: a pretrained and a plain model, on images that are built in.

    Raises:
        InputError: what the demo needs is not installed.
    """
    return plan(DEMO_MODELS, Options(recipe=DEMO.name, dataset=DEMO_DATASET))
