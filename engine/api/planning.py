"""From what was asked to runs that can begin: all that can be checked before anything is written.

Light: loads neither Keras nor pandas, and asks nothing of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.backbones.catalogue import find_backbone
from engine.common.folders import check_temporary_folder
from engine.config.options import Options
from engine.config.planning import hold_out, plan_runs
from engine.config.spec import RunSpec
from engine.datasets.loading import check_dataset
from engine.keras_setup.loading import check_backend
from engine.runs.directory import open_runs_dir
from engine.runs.weights import resolve_weights
from engine.weights.locate import check_weights


def with_weights(options: Options, runs_dir: Path) -> tuple[Options, str]:
    """Return the same with the file of the run that the weights may name.

    Returns:
        The options, and what there is to say of the choice, mostly nothing.

    Raises:
        InputError: several runs could be meant, or the one that is has no model.
    """
    weights, note = resolve_weights(options.weights, runs_dir)
    return replace(options, weights=weights), note


def plan(models: Sequence[str], options: Options) -> list[RunSpec]:
    """Return the runs to do, one a model and seed, after every check that needs no backend loaded.

    Args:
        models: of the catalogue, in any case.
        options: with weights that name no run; see `with_weights`.

    Raises:
        InputError: the first thing that does not hold.
    """
    check_backend()
    backbones = [find_backbone(name) for name in models]
    specs = plan_runs(backbones, options)
    check_dataset(
        options.dataset,
        options.data_path,
        train_limit=options.train_limit,
        validation=hold_out(options),
    )
    check_weights(backbones, options.weights)
    return specs


def open_folders(runs_dir: Path) -> Path:
    """Make the folder of runs where it is not there; see that all that will be written can be.

    Raises:
        InputError: that folder, or none for temporary files, can be written.
    """
    check_temporary_folder()
    return open_runs_dir(runs_dir)
