"""The recorder: the one that writes a run's directory while it runs."""

from __future__ import annotations

import csv
import threading
from typing import TextIO

from engine.config import RunSpec
from engine.events import (
    BatchEnded,
    EpochEnded,
    Event,
    HardwareSampled,
    LogLine,
    PhaseProgressed,
    RunEnded,
    event_to_line,
)
from engine.runs import RunDirectory, write_json
from engine.snapshot import RunSnapshot
from engine.store import RunStore
from engine.summary import summarize

METRICS = ("epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss")
"""Columns of `metrics.csv`, those of Keras' CSVLogger."""
SPACING_SECONDS: dict[type[Event], float] = {
    BatchEnded: 0.5,
    PhaseProgressed: 1.0,
    HardwareSampled: 5.0,
}
"""Events that are thinned in the record; the last BatchEnded of an epoch is always kept."""


class Recorder:
    """Writes what a run says into its directory, each line flushed, from any thread."""

    def __init__(self, directory: RunDirectory, spec: RunSpec) -> None:
        self._directory = directory
        self._store = RunStore(directory.run_id, spec)
        self._lock = threading.Lock()
        self._events: TextIO = directory.events.open("a", encoding="utf-8")
        self._log: TextIO = directory.log.open("a", encoding="utf-8", errors="replace")
        self._written_at: dict[type[Event], float] = {}
        self._closed = False

    def record(self, event: Event) -> None:
        """Write an event; at RunEnded also the summary. Nothing is written after `close`."""
        with self._lock:
            if self._closed:
                return
            self._store.apply(event)
            if self._is_due(event):
                self._events.write(event_to_line(event))
                self._events.flush()
            if isinstance(event, LogLine):
                self._write_log(event.text)
            elif isinstance(event, EpochEnded):
                self._write_metrics(event)
            elif isinstance(event, RunEnded):
                write_json(self._directory.summary, summarize(self._store.snapshot()))

    def log(self, text: str) -> None:
        """Write a line to `run.log` only."""
        with self._lock:
            if not self._closed:
                self._write_log(text)

    def snapshot(self) -> RunSnapshot:
        """The run as its record tells it."""
        with self._lock:
            return self._store.snapshot()

    def close(self) -> None:
        """Close the files; later events are dropped."""
        with self._lock:
            self._closed = True
            self._events.close()
            self._log.close()

    def _is_due(self, event: Event) -> bool:
        spacing = SPACING_SECONDS.get(type(event))
        if spacing is None:
            return True
        last = self._written_at.get(type(event), 0.0)
        if isinstance(event, BatchEnded) and event.step == self._store.steps:
            last = 0.0
        if event.time - last < spacing:
            return False
        self._written_at[type(event)] = event.time
        return True

    def _write_log(self, text: str) -> None:
        self._log.write(text.rstrip("\n") + "\n")
        self._log.flush()

    def _write_metrics(self, event: EpochEnded) -> None:
        is_new = not self._directory.metrics.exists()
        with self._directory.metrics.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(METRICS)
            # Keras' CSVLogger counts epochs from 0.
            values = [getattr(event, name) for name in METRICS[1:]]
            writer.writerow([event.epoch - 1, *values])
