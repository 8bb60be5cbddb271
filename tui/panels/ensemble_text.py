"""Runs combined into one, in words: what is done now, how far it is, what came of it: pure.

The command line prints these lines, and the screen shows them.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.common.text import accuracy, byte_size, count, duration, percent, whole
from engine.protocol.events import PhaseChanged, PhaseProgressed
from engine.runs.listing import RunRecord

NOTHING_WRITTEN = "nothing was written"
"""What is said of a combination that did not come to its end."""


def doing(event: PhaseChanged) -> str:
    """Return what is done from now on: `testing a-run, validation`."""
    return f"{event.phase} {event.detail}"


def how_far(event: PhaseProgressed) -> str:
    """Return how far that is: `1,024 of 5,000 images`."""
    if event.unit == "bytes":
        return f"{byte_size(event.done)} of {byte_size(event.total)}"
    return f"{whole(event.done)} of {whole(event.total)} {event.unit}"


def made_lines(made: RunRecord) -> Iterator[str]:
    """Yield what an ensemble is, with its members, what it reaches and what it costs."""
    ensemble, summary = made.file.spec.ensemble, made.summary
    assert ensemble is not None
    yield f"{made.run_id}: {ensemble.words}"
    for member in ensemble.members:
        yield f"  {percent(100 * member.weight):>5}  {member.run_id}"
    for run_id in ensemble.left_out:
        yield f"      –  {run_id}, left out"
    if ensemble.val_accuracy is not None:
        images = f"{whole(ensemble.validation_images)} images that no member trained on"
        yield f"validation accuracy {accuracy(ensemble.val_accuracy)} on {images}"
    images = f"{whole(summary.test_images)} test images"
    yield f"test accuracy {accuracy(summary.test_accuracy)} on {images}"
    yield f"train {duration(summary.train_seconds)}, that of its members added up"
    yield f"{count(summary.parameters)} parameters, {count(summary.flops)} FLOPs per image"
    model = made.directory.model
    yield f"model: {model.resolve()}, {byte_size(model.stat().st_size)}"
