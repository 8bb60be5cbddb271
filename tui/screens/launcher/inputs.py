"""The data, weights and runs on this machine; too slow for the event loop's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.backbones.catalogue import CATALOGUE
from engine.backbones.entry import Backbone
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.errors import InputError
from tui.screens.launcher.form import field_of

if TYPE_CHECKING:
    from engine.tools.fetching import Needed
    from tui.panels.network_card import OwnRuns


def look_for_inputs(
    backbones: Sequence[Backbone], options: Options
) -> tuple[tuple[str, InputError] | None, str]:
    """Look for data and weights on this machine.

    Returns:
        An error and the field that it is about, if there is one; and where the data are.
    """
    from engine.datasets.loading import check_dataset
    from engine.weights.locate import check_weights

    try:
        state = check_dataset(options)
    except InputError as error:
        return (field_of(error, "data_path"), error), ""
    try:
        check_weights(backbones, options.weights)
    except InputError as error:
        return (field_of(error, "weights"), error), state
    return None, state


def missing_files(specs: Sequence[RunSpec]) -> list[Needed]:
    """Return what these runs need and this machine lacks.

    Raises:
        InputError: a data set or a model is not available.
    """
    from engine.tools.fetching import list_needed

    wanted: list[Needed] = []
    for spec in specs:
        if spec.weights == "imagenet":
            wanted += list_needed([spec.model], image_size=spec.image_size)
        if spec.data_path is None:  # a folder has its path
            wanted += list_needed([], [spec.dataset])
    return list({needed.name: needed for needed in wanted if needed.is_missing}.values())


def weights_states(sizes: Mapping[str, int]) -> dict[str, str]:
    """Return a text, for each entry by name, that says where its weights are.

    Args:
        sizes: input pixels by name, as some models have weights for each size; the usual sizes
            by default.
    """
    from engine.weights.locate import weights_state

    return {entry.name: weights_state(entry, sizes.get(entry.name)) for entry in CATALOGUE}


def count_images(options: Options) -> tuple[int, int] | None:
    """Return the numbers of training and test images; None if they cannot be counted."""
    from engine.datasets.loading import find_source
    from engine.datasets.source import DataRequest

    try:
        source, path = find_source(options.dataset, options.data_path)
        return source.count(DataRequest(path))
    except InputError:
        return None


def read_own_runs(runs_dir: Path) -> dict[str, list[OwnRuns]]:
    """Return what the runs of a folder reached, by model."""
    from engine.ranking.index import ranking_rows
    from tui.panels.network_card import own_runs

    return own_runs(ranking_rows(runs_dir).rows)
