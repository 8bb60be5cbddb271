"""What the launcher says of the runs that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from engine.backbones import CATALOGUE, find_backbone
from engine.config import Options, RunSpec, Stage, plan_runs
from engine.dataset_names import title
from engine.errors import InputError
from engine.formatting import byte_size, rate
from tui.cli.options import unfreezing_words

if TYPE_CHECKING:
    from engine.speed_probe import Speed


def expected_times(options: Options, speed: Speed, images: tuple[int, int]) -> dict[str, str]:
    """How long one run of each model would take by these options, in words."""
    from engine.expectation import expect

    times = {}
    for entry in CATALOGUE:
        with suppress(InputError):
            spec = plan_runs([entry.traits], replace(options, seeds=(0,)))[0]
            times[entry.name] = about(expect(spec, entry, speed, images).seconds)
    return times


def about(seconds: float) -> str:
    """A length of time as exactly as it can be foretold."""
    if seconds < 90:
        return f"~{max(round(seconds, -1), 10):.0f} s"
    minutes = seconds / 60
    return f"~{minutes:.0f} min" if minutes < 90 else f"~{minutes / 60:.1f} h"


def expected_text(specs: Sequence[RunSpec], speed: Speed, images: tuple[int, int]) -> str:
    """How long all runs take one after the other, and the memory of the largest."""
    from engine.expectation import expect

    runs = [expect(spec, find_backbone(spec.model), speed, images) for spec in specs]
    seconds = sum(run.seconds for run in runs)
    return f"{about(seconds)} here, ~{byte_size(max(run.memory_bytes for run in runs))} memory"


def summary_text(specs: Sequence[RunSpec], expected: str = "") -> Content:
    """What will run: how many, which, on what, in which stages, and what that takes."""
    models = list(dict.fromkeys(spec.model for spec in specs))
    names = ", ".join(models[:4]) + (f" and {len(models) - 4} more" if len(models) > 4 else "")
    first = max(specs, key=_stages_to_say)
    stages = " → ".join(map(_stage_text, first.stages))
    parts = [*([expected] if expected else []), names, title(first.dataset), first.recipe, stages]
    runs = f"{len(specs)} run{'s' if len(specs) != 1 else ''}"
    return Content.styled(runs, "$primary bold") + Content.styled(
        "".join(f" · {part}" for part in parts), "$foreground"
    )


def _stages_to_say(spec: RunSpec) -> tuple[int, bool]:
    # A model without a backbone has one stage, in which nothing joins.
    return len(spec.stages), any(map(unfreezing_words, spec.stages))


def _stage_text(stage: Stage) -> str:
    text = f"{stage.name} {stage.epochs} ep {rate(stage.learning_rate)}"
    joins = unfreezing_words(stage)
    return f"{text} ({joins})" if joins else text
