"""What the launcher says about the requested runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.common.text import about_duration, byte_size, rate
from engine.config.dataset_names import title
from engine.config.planning import plan_runs
from engine.config.recipe_words import unfreezing_words
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.tools.speed_probe import Speed


def plan_each(options: Options) -> dict[str, RunSpec]:
    """Return a run of each model of the catalogue that these options allow, by name."""
    plans = {}
    for entry in CATALOGUE:
        with suppress(InputError):
            plans[entry.name] = plan_runs([entry], replace(options, seeds=(0,)))[0]
    return plans


def expected_seconds(
    plans: Mapping[str, RunSpec], speed: Speed, images: tuple[int, int]
) -> dict[str, float]:
    """Return how long each run would take here, by model, if its device was measured."""
    from engine.tools.expectation import expect

    found = {n: expect(spec, find_backbone(n), speed, images).seconds for n, spec in plans.items()}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def seconds_in_all(
    specs: Sequence[RunSpec], speed: Speed | None, images: tuple[int, int]
) -> float | None:
    """Return how long all runs take in sequence; None where one was not measured."""
    from engine.tools.expectation import expect

    runs = [expect(spec, find_backbone(spec.model), speed, images).seconds for spec in specs]
    known = [seconds for seconds in runs if seconds is not None]
    return sum(known) if len(known) == len(runs) else None


def expected_text(specs: Sequence[RunSpec], speed: Speed | None, images: tuple[int, int]) -> str:
    """Return how long all runs take in sequence, if known, and the memory of the largest."""
    from engine.tools.expectation import expect

    runs = [expect(spec, find_backbone(spec.model), speed, images) for spec in specs]
    memory = f"~{byte_size(max(run.memory_bytes for run in runs))} memory"
    seconds = seconds_in_all(specs, speed, images)
    return memory if seconds is None else f"{about_duration(seconds)} here, {memory}"


def summary_text(specs: Sequence[RunSpec], expected: str = "") -> Content:
    """Return what will run: how many runs, which models, data and stages, and at what cost."""
    models = list(dict.fromkeys(spec.model for spec in specs))
    names = ", ".join(models[:4]) + (f" and {len(models) - 4} more" if len(models) > 4 else "")
    # A model without a backbone has one stage, in which no layers are unfrozen.
    first = max(specs, key=lambda s: (len(s.stages), any(map(unfreezing_words, s.stages))))
    stages = " → ".join(map(_stage_text, first.stages))
    parts = [*([expected] if expected else []), names, title(first.dataset), first.recipe, stages]
    runs = f"{len(specs)} run{'s' if len(specs) != 1 else ''}"
    return Content.styled(runs, "$primary bold") + Content.styled(
        "".join(f" · {part}" for part in parts), "$foreground"
    )


def _stage_text(stage: Stage) -> str:
    text = f"{stage.name} {stage.epochs} ep {rate(stage.learning_rate)}"
    joins = unfreezing_words(stage)
    return f"{text} ({joins})" if joins else text
