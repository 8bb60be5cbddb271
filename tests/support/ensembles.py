"""Runs that combine others, as the command leaves them, written without any network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.config.ensemble import Ensemble, Method
from engine.protocol.events import PhaseChanged, RunEnded, RunStarted, TestEnded, event_to_line
from engine.protocol.facts import DataFacts, ModelFacts
from engine.runs.directory import RunDirectory, SpecFile, create_whole
from engine.runs.listing import RunRecord, load_run
from engine.tools.ensemble_candidates import Candidate
from engine.tools.ensemble_record import member_of, record, spec_of, started_as
from tests.support.run_events import TREE
from tests.support.runs import RunWriter

NAMES = tuple(f"digit {number}" for number in range(10))
ACCURACY = 0.95


def started(run: RunRecord, **facts: Any) -> RunStarted:
    """Return the first facts of a run on the digits; `facts` are those of its data."""
    usual = {"train_images": 1_167, "validation_images": 130, "test_images": 500}
    return RunStarted(
        spec=run.file.spec,
        model=ModelFacts(30, 3, TREE.flops, run.file.spec.image_size, 3),
        data=DataFacts(**({"class_names": NAMES} | usual | facts)),
        layers=TREE,
        steps_per_epoch=10,
        epochs=3,
        time=run.file.created_at,
    )


def exported_run(write_run: RunWriter, model: str = "CustomCNN", **said: Any) -> RunRecord:
    """Write a run on the digits that seems to be finished: its model is an empty file.

    What is not a fact of its data goes to the writer.
    """
    facts = {key: said.pop(key) for key in DataFacts.__slots__ if key in said}
    usual: dict[str, Any] = {"test": 0.9, "dataset": "digits", "image_size": 8}
    run = load_run(write_run.runs_dir / write_run(model, **(usual | said)))
    run.directory.model.touch()
    line = event_to_line(started(run, **facts))
    run.directory.events.write_text(line, encoding="utf-8")
    return run


def write_ensemble(write_run: RunWriter, by: Method = "probabilities") -> RunRecord:
    """Write two runs on the digits that trained for 10 s each, and one that combines them."""
    runs = [exported_run(write_run, model) for model in ("CustomCNN", "MobileNetV2")]
    members = [Candidate(run, started(run)) for run in runs]
    shares = tuple(member_of(each, len(members)) for each in members)
    combined = Ensemble(by, shares, ("left-out",), 130, 0.96, 0.1)
    spec, at = spec_of(combined, members), runs[-1].file.created_at + 60
    file = SpecFile(spec, (spec.model,), 0, at, runs[0].file.origin)
    first = started_as(spec, members, "cpu:0")
    events = [
        PhaseChanged(phase="loading", time=at),
        PhaseChanged(phase="testing", time=at + 1),
        replace(first, time=at + 2),
        TestEnded(loss=0.2, accuracy=ACCURACY, images=500, time=at + 5),
        RunEnded(status="completed", time=at + 6),
    ]

    def fill(directory: RunDirectory) -> None:
        record(directory, spec, events, runs[0].directory)

    return load_run(create_whole(write_run.runs_dir, file, fill).path)


def names_in(folder: Path) -> set[str]:
    """Return what a folder holds, hidden files and all."""
    return {path.name for path in folder.iterdir()}
