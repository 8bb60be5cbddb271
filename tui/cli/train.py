"""`cifar-tui train`: check the options, then train with or without a screen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from engine.api.planning import plan, with_weights
from engine.config.recipe import NOTEBOOK
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.runs.directory import open_runs_dir
from engine.runs.listing import RunRecord
from tui.cli.arguments import chosen_options
from tui.cli.forking import opens_screen
from tui.cli.streams import note
from tui.settings.option_names import in_flags


def run(arguments: argparse.Namespace) -> int:
    """Train what the command line names, or the exercise's comparison."""
    options, line = with_weights(chosen_options(arguments), arguments.runs_dir)
    if line:
        note(in_flags(line), as_json=arguments.json)
    if arguments.compare_exercise:
        return _compare(arguments, options)
    if not arguments.models:
        raise InputError("", "MODEL", "none", "see `cifar-tui train --help`")
    return train(plan(arguments.models, options), arguments)


def _compare(arguments: argparse.Namespace, options: Options) -> int:
    from engine.tools.exercise import exercise_models

    if arguments.recipe is None:
        options = replace(options, recipe=NOTEBOOK.name)
    models, skipped = exercise_models(
        arguments.models, weights=options.weights, image_size=options.image_size
    )
    specs = plan(models, options)
    for entry in skipped:
        note(f"skipped {entry.model}: {in_flags(entry.reason)}", as_json=arguments.json)
    return train(specs, arguments, ends_on_answers=True)


def train(
    specs: Sequence[RunSpec],
    arguments: argparse.Namespace,
    resumes: RunRecord | None = None,
    *,
    ends_on_answers: bool = False,
) -> int:
    """Train on a screen, or printing line by line where there is none or none is wanted.

    Returns:
        The exit status: 0 all completed or left running, 1 some run failed, 130 stopped,
        143 interrupted by a signal.

    Raises:
        InputError: the runs folder cannot be written.
    """
    runs_dir = open_runs_dir(arguments.runs_dir)
    if not opens_screen(arguments):
        from tui.cli.plain import train_plainly

        return train_plainly(
            specs,
            runs_dir,
            as_json=arguments.json,
            on_hangup=arguments.on_hangup,
            resumes=resumes,
            ends_on_answers=ends_on_answers,
        )
    from tui.cli.launch import open_app

    return open_app(
        specs,
        runs_dir,
        arguments.parent,
        on_hangup=arguments.on_hangup,
        resumes=resumes,
        ends_on_answers=ends_on_answers,
    )
