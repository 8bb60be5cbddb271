"""Run directories as trainers leave them, written without training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.machine.provenance import Origin
from engine.protocol.events import BatchEnded, EpochEnded, Event, PhaseChanged, event_to_line
from engine.runs.directory import SpecFile, create_run, write_json
from engine.runs.listing import RunRecord, load_run
from engine.runs.summary import Summary
from engine.state.snapshot import Status


class RunWriter:
    """A writer of runs with known figures into a folder, as a trainer would leave them."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._seconds = 1_700_000_000.0

    def __call__(
        self,
        model: str = "EfficientNetLite0",
        *,
        test: float | None = None,
        train_seconds: float = 10.0,
        status: Status = "completed",
        error: str = "",
        epochs: int = 0,
        **asked: Any,
    ) -> str:
        """Write one run, a minute newer than the previous one; return its id.

        `test` makes it a ranked one; `interrupted` leaves it without a summary; `epochs` is how
        many epochs its record has; the rest goes into its spec.
        """
        self._seconds += 60
        self.runs_dir.mkdir(exist_ok=True)
        stages = (Stage("head", 2, 1e-3, 0), Stage("fine-tune", 1, 1e-5, 30))
        usual: dict[str, Any] = {"dataset": "cifar10", "stages": stages, "image_size": 96}
        spec = RunSpec(model=model, **(usual | asked))
        origin = Origin("elsewhere", 1, "tensorflow", {}, None)
        directory = create_run(self.runs_dir, SpecFile(spec, (model,), 0, self._seconds, origin))
        with directory.events.open("w") as lines:
            for event in self._events(spec, epochs):
                lines.write(event_to_line(event))
        os.utime(directory.events, (self._seconds, self._seconds))
        if status != "interrupted":
            summary = Summary(
                status=status,
                error=error,
                ranked=test is not None,
                test_accuracy=test,
                test_loss=None if test is None else 1 - test,
                val_accuracy=None if test is None else test - 0.01,
                train_seconds=train_seconds,
                wall_seconds=train_seconds + 5,
                parameters=3_383_834,
                trainable_parameters=12_810,
                depth=50,
                flops=141_052_864,
                epochs=3,
                images_per_second=612.4,
                stages=("head 2 ep", "last 30 layers 1 ep"),
            )
            write_json(directory.summary, summary)
        return directory.run_id

    def _events(self, spec: RunSpec, epochs: int) -> Iterator[Event]:
        time = self._seconds
        yield PhaseChanged(time=time, phase="training")
        for epoch in range(1, epochs + 1):
            time += 10
            yield BatchEnded(
                time=time,
                epoch=epoch,
                step=1,
                loss=1.0 / epoch,
                accuracy=1 - 0.5 / epoch,
                batches=1,
                images_per_second=600.0,
            )
            yield EpochEnded(
                time=time,
                epoch=epoch,
                stage=1,
                loss=1.0 / epoch,
                accuracy=1 - 0.5 / epoch,
                val_loss=1.1 / epoch,
                val_accuracy=1 - 0.6 / epoch,
                learning_rate=1e-3,
                train_seconds=8.0,
                validation_seconds=2.0,
                images_per_second=600.0,
            )


def write_tested_runs(write_run: RunWriter) -> list[RunRecord]:
    """Write three runs with predictions of 200 test images of ten classes."""
    chance = np.random.default_rng(0)
    labels = np.arange(200) % 10
    runs = []
    for model, right, seconds in (
        ("EfficientNetLite0", 0.93, 441.0),
        ("ResNet50V2", 0.91, 1_862.0),
        ("CustomCNN", 0.73, 64.0),
    ):
        name = write_run(model, test=right, train_seconds=seconds, epochs=3)
        run = load_run(write_run.runs_dir / name)
        said = np.where(chance.random(len(labels)) < right, labels, (labels + 1) % 10)
        probabilities = np.full((len(labels), 10), 0.01, np.float32)
        probabilities[np.arange(len(labels)), said] = 0.91
        np.savez(run.directory.predictions, labels=labels, probabilities=probabilities)
        runs.append(run)
    return runs
