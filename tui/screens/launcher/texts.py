"""What the launcher says about the requested runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from tui.screens.choice import Answer, Question

if TYPE_CHECKING:
    from engine.tools.fetching import Needed
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

    return _sum(expect(spec, find_backbone(spec.model), speed, images).seconds for spec in specs)


def expected_text(specs: Sequence[RunSpec], speed: Speed | None, images: tuple[int, int]) -> str:
    """Return how long all runs take in sequence, if known, and the memory of the largest."""
    from engine.tools.expectation import expect

    runs = [expect(spec, find_backbone(spec.model), speed, images) for spec in specs]
    memory = f"~{byte_size(max(run.memory_bytes for run in runs))} memory"
    seconds = _sum(run.seconds for run in runs)
    return memory if seconds is None else f"{about_duration(seconds)} here, {memory}"


def download_question(missing: Sequence[Needed], seconds: float | None, *, adds: bool) -> Question:
    """Return what to ask before runs that have to download something.

    Args:
        missing: what this machine lacks, at least one.
        seconds: how long the runs take here in sequence; None if unknown.
        adds: whether they are added to a queue.
    """
    size = f"{max(1, round(sum(needed.bytes for needed in missing) / 1e6))} MB"
    names = [title(needed.name) for needed in missing]
    of = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    time = "" if seconds is None else f", then {about_duration(seconds)} here"
    start = "Add to the queue" if adds else "Start"
    return Question(
        f"{start}: download {size}{time}?",
        (
            Answer("start", "s", start, f"downloads {of}"),
            Answer("fetch", "f", "Only download", "then back to these choices"),
            Answer("cancel", "c", "Cancel"),
        ),
    )


def _sum(seconds: Iterable[float | None]) -> float | None:
    each = list(seconds)
    known = [one for one in each if one is not None]
    return sum(known) if len(known) == len(each) else None


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
