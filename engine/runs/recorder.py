"""The recorder: the one that writes a run's directory while it runs."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterable

from engine.common.append import DiskFull, LineFile
from engine.common.atomic import written_whole
from engine.common.faults import Faults
from engine.config.spec import RunSpec
from engine.protocol.events import (
    FREQUENT,
    BatchEnded,
    EpochEnded,
    Event,
    HardwareSampled,
    LogLine,
    PhaseProgressed,
    RunEnded,
    RunResumed,
    event_to_line,
)
from engine.runs.directory import RunDirectory, write_json
from engine.runs.listing import replay
from engine.runs.summary import Summary, summarize
from engine.state.snapshot import RunSnapshot
from engine.state.store import RunStore

METRICS = ("epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss")
"""Columns of `metrics.csv`, those of Keras' CSVLogger."""
SPACING_SECONDS: dict[type[Event], float] = {
    BatchEnded: 0.5,
    PhaseProgressed: 1.0,
    HardwareSampled: 5.0,
}
"""Least seconds between two recorded events of some `FREQUENT` kinds; the last BatchEnded of an
epoch is always kept."""
SUMMARY_BYTES = 4_096
"""The most that `summary.json` takes; also a block of the disk."""


class Recorder:
    """Writes the events of a run into its directory, each line flushed, from any thread.

    A disk that is full, or fails, raises nothing here: what could not be written waits, `full`
    says so, and every later line, `retry` and `close` try again, in the original order.
    """

    def __init__(self, directory: RunDirectory, spec: RunSpec) -> None:
        self._directory = directory
        self._store = RunStore(directory.run_id, spec)
        self._lock = threading.Lock()
        self._events = LineFile(directory.events)
        self._log = LineFile(directory.log)
        self._metrics: LineFile | None = None
        self._summary: Summary | None = None
        self._summary_problem = ""
        self._written_at: dict[type[Event], float] = {}
        self._closed = False

    def catch_up(self, events: Iterable[Event], resumed: RunResumed) -> None:
        """Apply what an earlier process recorded, and drop the epochs past the checkpoint."""
        with self._lock:
            replay(self._store, events, Faults(self._directory.run_id))
        ended = resumed.epoch - 1 if resumed.step else resumed.epoch
        if self._directory.metrics.exists():
            # Its first line names the columns. As bytes, so that line ends stay as they are.
            lines = self._directory.metrics.read_bytes().splitlines(keepends=True)
            with written_whole(self._directory.metrics) as aside:
                aside.write_bytes(b"".join(lines[: ended + 1]))

    def record(self, event: Event) -> None:
        """Write an event; at RunEnded also the summary. Nothing is written after `close`."""
        with self._lock:
            if self._closed:
                return
            self._store.apply(event)
            if self._is_due(event):
                self._events.write(event_to_line(event), may_be_lost=isinstance(event, FREQUENT))
            if isinstance(event, LogLine):
                self._write_log(event.text)
            elif isinstance(event, EpochEnded):
                self._write_metrics(event)
            elif isinstance(event, RunEnded):
                self._summary = summarize(self._store.snapshot())
                self._write_summary()

    @property
    def full(self) -> DiskFull | None:
        """What could not be written yet; None where all is on disk."""
        with self._lock:
            return self._full()

    def retry(self) -> DiskFull | None:
        """Write what waits, as far as it goes; return what still does not fit."""
        with self._lock:
            for file in self._files():
                file.retry()
            self._write_summary()
            return self._full()

    def log(self, text: str) -> None:
        """Write a line to `run.log` only."""
        with self._lock:
            if not self._closed:
                self._write_log(text)

    def snapshot(self) -> RunSnapshot:
        """Return the run as its record shows it."""
        with self._lock:
            return self._store.snapshot()

    def close(self) -> None:
        """Try once more to write what waits, then close; later events are dropped."""
        with self._lock:
            self._closed = True
            for file in self._files():
                file.close()
            self._write_summary()

    def _files(self) -> list[LineFile]:
        return [self._events, *([self._metrics] if self._metrics else []), self._log]

    def _full(self) -> DiskFull | None:
        full = [problem for file in self._files() if (problem := file.full)]
        if self._summary is not None:
            path = self._directory.summary
            full.append(DiskFull(path, SUMMARY_BYTES, self._summary_problem))
        if not full:
            return None
        return DiskFull(full[0].path, sum(problem.bytes for problem in full), full[0].reason)

    def _write_summary(self) -> None:
        if self._summary is None:
            return
        try:
            write_json(self._directory.summary, self._summary)
            self._summary = None
        except OSError as error:
            self._summary_problem = error.strerror or type(error).__name__

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
        self._log.write(text.rstrip("\n") + "\n", may_be_lost=True)

    def _write_metrics(self, event: EpochEnded) -> None:
        if self._metrics is None:
            is_new = not self._directory.metrics.exists()
            self._metrics = LineFile(self._directory.metrics)
            if is_new:
                self._metrics.write(_csv_line(METRICS))
        # Keras' CSVLogger counts epochs from 0.
        values = [getattr(event, name) for name in METRICS[1:]]
        self._metrics.write(_csv_line((event.epoch - 1, *values)))


def _csv_line(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()
