"""The facts of a run as names and values: its settings, its results, and its times."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import zip_longest

from textual.content import Content

from engine.common.text import accuracy, count, fine_duration, percent, rate, whole
from engine.config.dataset_names import short
from engine.config.ensemble import Ensemble
from engine.config.recipe import DEFAULT_RECIPE
from engine.config.recipe_words import batchnorm_words
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.metrics.catalogue import texts_of
from engine.runs.listing import RunRecord
from engine.runs.summary import Summary
from engine.state.snapshot import RunSnapshot
from tui.panels.run_detail.material import ALIVE, Material, stages_of, summary_of
from tui.settings.option_names import in_flags

Fact = tuple[str, str]
_NAME_WIDTH = 12


def facts_text(material: Material) -> Content:
    """Return the facts as lines, an error first; long values continue on indented lines.

    A line of settings of which the user set none is dim.
    """
    room = max(material.width - _NAME_WIDTH, 20)
    unset = _unset(material.run.file.spec, material.usual)
    error = textwrap.wrap(in_flags(material.run.summary.error), room + _NAME_WIDTH)
    parts = [Content.styled(line, "$error") for line in error]
    for name, value in facts(material.run, material.snapshot):
        style = "$muted" if name in unset else "$foreground"
        for label, line in zip_longest([name], textwrap.wrap(value, room), fillvalue=""):
            start = Content.styled(f"{label:<{_NAME_WIDTH}}", "$muted")
            parts.append(start + Content.styled(line, style))
    return Content("\n").join(parts)


def facts(run: RunRecord, snapshot: RunSnapshot | None) -> list[Fact]:
    """Return names and values, the most important first.

    A run without a summary is summarized from its record, once `snapshot` has been read.
    """
    summary = summary_of(run, snapshot)
    spec = run.file.spec
    asked = _asked(spec) if spec.ensemble is None else _combined(spec, spec.ensemble)
    rows = [("status", run.state), *_reached(summary, run), *asked]
    rows += [*_images(snapshot), *_model(summary, run), *_time(summary)]
    for number, trained, seconds, each in stages_of(snapshot):
        rows.append((f"stage {number}", f"{trained}, {fine_duration(seconds)}, {each}"))
    return [row for row in rows if row[1]]


def _reached(summary: Summary, run: RunRecord) -> Iterable[Fact]:
    keep = run.file.spec.keep
    test = ", ".join([accuracy(summary.test_accuracy), *texts_of(summary)])
    untested = "not tested yet" if run.state in ALIVE else "not tested, so not ranked"
    yield "test", test if summary.ranked else untested
    kept = summary.kept_val_accuracy(keep)
    if kept is None:
        return
    if (ensemble := run.file.spec.ensemble) is not None:
        images = whole(ensemble.validation_images)
        yield "validation", f"{accuracy(kept)}, on {images} images that no member trained on"
        return
    words = f"{accuracy(kept)}, weights of epoch {summary.kept(keep)} of {summary.epochs}"
    best = accuracy(summary.best_val_accuracy)
    if keep == "last" and best != accuracy(kept):
        words += f", the last (keep: last); best {best} in epoch {summary.best_epoch}"
    yield "validation", words


def _asked(spec: RunSpec) -> Iterable[Fact]:
    rates = ", ".join(rate(stage.learning_rate) for stage in spec.stages)
    yield "recipe", f"{spec.recipe}, rates {rates}, BatchNorm {batchnorm_words(spec.batchnorm)}"
    yield "input", f"{spec.image_size} px, batch {spec.batch_size}, seed {spec.seed}"
    yield "weights", "random" if spec.weights == "none" else spec.weights
    limit = f", first {whole(spec.train_limit)}" if spec.train_limit else ""
    held_out = " on the test split" if spec.validation == "test" else ""
    yield "data", f"{short(spec.dataset)}{limit}{', validated' + held_out if held_out else ''}"


def _combined(spec: RunSpec, ensemble: Ensemble) -> Iterable[Fact]:
    """What a run combines in place of what others are asked to train."""
    yield "combines", ensemble.words
    shares = ", ".join(f"{it.run_id} ({percent(100 * it.weight)})" for it in ensemble.members)
    yield "members", shares
    yield "left out", ", ".join(ensemble.left_out)
    yield "input", f"{spec.image_size} px"
    yield "data", short(spec.dataset)


def _unset(spec: RunSpec, usual: RunSpec | None) -> set[str]:
    """Return the names of those facts of which the user set nothing."""
    if usual is None:
        return set()
    of_usual = dict(_asked(usual))
    unset = {name for name, value in _asked(spec) if value == of_usual[name]}
    if spec.recipe != DEFAULT_RECIPE.name:
        unset.discard("recipe")
    if spec.dataset != Options().dataset:
        unset.discard("data")
    return unset


def _images(snapshot: RunSnapshot | None) -> Iterable[Fact]:
    if snapshot is not None and snapshot.data is not None:
        data = snapshot.data
        yield (
            "images",
            f"{whole(data.train_images)} train, {whole(data.validation_images)} validation, "
            f"{whole(data.test_images)} test",
        )


def _model(summary: Summary, run: RunRecord) -> Iterable[Fact]:
    if summary.parameters is None:
        return
    when = "train now" if run.state in ALIVE else "trained at the end"
    trained = f", {count(summary.trainable_parameters)} {when}"
    if run.file.spec.ensemble is not None:
        trained = ""
    yield "parameters", f"{count(summary.parameters)}{trained}"
    yield "size", f"depth {summary.depth}, {count(summary.flops)} FLOPs per image"


def _time(summary: Summary) -> Iterable[Fact]:
    if not summary.wall_seconds:
        return
    speed = summary.images_per_second
    pace = f", {whole(speed)} img/s" if speed else ""
    trained = f"{fine_duration(summary.train_seconds)} of training"
    yield "time", f"{fine_duration(summary.wall_seconds)} in all, {trained}{pace}"
    phases = [(name, spent) for name, spent in summary.phase_seconds.items() if spent >= 0.5]
    yield "phases", ", ".join(f"{name} {fine_duration(spent)}" for name, spent in phases)
