"""What one training took, read from the notebook's report or from this engine's events."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from engine.common.codec import to_plain
from engine.config.spec import RunSpec
from engine.protocol.events import (
    Event,
    FeaturesReady,
    HardwareSampled,
    LogLine,
    Phase,
    StageStarted,
)
from engine.state.snapshot import TRAIN_PHASES, RunSnapshot
from engine.state.store import RunStore

UNCOUNTED_PHASES: tuple[Phase, ...] = ("loading", "downloading")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One training of the recipe, in seconds; validation is counted, the final test is not."""

    loading_seconds: float
    """Import, reading the data, building the network: not part of the total."""
    phase_seconds: dict[str, float]
    """What the total consists of: extracting, tracing, training, validating. The notebook's
    training is both its `fit` calls, which trace and validate as well."""
    total_seconds: float
    stage_seconds: tuple[float, ...]
    """The total, by stage of the recipe."""
    test_accuracy: float
    peak_memory_bytes: int
    """Of the process, all phases."""
    epochs: tuple[dict[str, float], ...] = ()
    """Loss, accuracy and seconds of each epoch, metric names as Keras gives them."""
    features: tuple[dict[str, Any], ...] = ()
    """Each FeaturesReady of the run; none for the notebook."""


def measure_notebook(report: Mapping[str, Any], peak_memory_bytes: int) -> Measurement:
    """Read the JSON object that the notebook prints last."""
    stages = tuple(float(seconds) for seconds in report["stage_seconds"])
    return Measurement(
        loading_seconds=report["import_seconds"] + report["build_seconds"],
        phase_seconds={"training": sum(stages)},
        total_seconds=sum(stages),
        stage_seconds=stages,
        test_accuracy=report["test_accuracy"],
        peak_memory_bytes=peak_memory_bytes,
        epochs=tuple(report["epochs"]),
    )


class EngineRun:
    """Takes the events of one run of this engine and gives its measurement."""

    def __init__(self, spec: RunSpec) -> None:
        self._store = RunStore("bench", spec)
        self._boundaries: list[float] = []
        self._features: list[dict[str, Any]] = []
        self.gpus: tuple[str, ...] = ()
        self.log: list[str] = []
        """The lines of its log."""
        self._gpu_memory: list[int] = []
        self._gpu_use: list[float] = []

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self._store.apply(event)
        if isinstance(event, StageStarted):
            self._boundaries.append(_counted_seconds(self._store.snapshot(), event.time))
        elif isinstance(event, FeaturesReady):
            self._features.append(to_plain(event))
        elif isinstance(event, HardwareSampled) and event.gpus:
            self.gpus = tuple(gpu.name for gpu in event.gpus)
            self._read_gpu(event)
        elif isinstance(event, LogLine):
            self.log.append(event.text)

    def _read_gpu(self, sample: HardwareSampled) -> None:
        """Note the GPU that computes; the only one where it is not known by its number."""
        run = self._store.snapshot()
        number = run.device.partition(":")[2] if run.device.startswith("gpu") else ""
        computing = [gpu for gpu in sample.gpus if str(gpu.cuda_index) == number]
        for gpu in computing or (sample.gpus if len(sample.gpus) == 1 else ()):
            if gpu.memory_used_bytes is not None:
                self._gpu_memory.append(gpu.memory_used_bytes)
            if gpu.utilization_percent is not None and run.phase == "training":
                self._gpu_use.append(gpu.utilization_percent)

    @property
    def gpu_peak_bytes(self) -> int | None:
        """The most memory of the GPU that was seen in use; None without a reading."""
        return max(self._gpu_memory, default=None)

    @property
    def gpu_percent(self) -> float | None:
        """The mean utilization of the GPU in training; None without a reading."""
        return statistics.mean(self._gpu_use) if self._gpu_use else None

    def snapshot(self) -> RunSnapshot:
        """The run as it stands now."""
        return self._store.snapshot()

    def measurement(self, peak_memory_bytes: int) -> Measurement:
        """What the ended run took."""
        run = self._store.snapshot()
        # What is counted before the first stage says that it began is that stage's.
        edges = [0.0, *self._boundaries[1:], run.train_seconds]
        return Measurement(
            loading_seconds=sum(run.phase_seconds.get(phase, 0.0) for phase in UNCOUNTED_PHASES),
            phase_seconds={
                phase: run.phase_seconds[phase]
                for phase in TRAIN_PHASES
                if phase in run.phase_seconds
            },
            total_seconds=run.train_seconds,
            stage_seconds=tuple(b - a for a, b in pairwise(edges)),
            test_accuracy=run.test.accuracy if run.test else float("nan"),
            peak_memory_bytes=peak_memory_bytes,
            epochs=tuple(_epoch(ended) for ended in run.ended_epochs),
            features=tuple(self._features),
        )


def _counted_seconds(run: RunSnapshot, at: float) -> float:
    """What `train_seconds` would be if the phase at work ended at the Unix second `at`."""
    is_open = run.phase in TRAIN_PHASES and run.phase_since is not None
    return run.train_seconds + (at - run.phase_since if is_open and run.phase_since else 0.0)


def _epoch(ended: Any) -> dict[str, float]:
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    seconds = ended.train_seconds + ended.validation_seconds
    return {"seconds": seconds, **{name: getattr(ended, name) for name in names}}


def median(rounds: Sequence[Measurement]) -> Measurement:
    """Medians of each figure over some rounds, but the highest of the peaks of memory.

    Epochs and features are the first round's.
    """
    phases = dict.fromkeys(phase for one in rounds for phase in one.phase_seconds)
    return Measurement(
        loading_seconds=statistics.median(one.loading_seconds for one in rounds),
        phase_seconds={
            phase: statistics.median(one.phase_seconds.get(phase, 0.0) for one in rounds)
            for phase in phases
        },
        total_seconds=statistics.median(one.total_seconds for one in rounds),
        stage_seconds=tuple(
            statistics.median(seconds)
            for seconds in zip(*(one.stage_seconds for one in rounds), strict=True)
        ),
        test_accuracy=statistics.median(one.test_accuracy for one in rounds),
        peak_memory_bytes=max(one.peak_memory_bytes for one in rounds),
        epochs=rounds[0].epochs,
        features=rounds[0].features,
    )


def ratios(medians: Mapping[str, Measurement]) -> dict[str, float]:
    """Seconds of the notebook over those of this engine.

    Returns:
        `cold` and `warm`, of the whole recipe, `plain` where it was measured, and `head_warm`, of
        the first stage alone.
    """
    notebook = medians["notebook"]
    found = {
        name: _ratio(notebook.total_seconds, one.total_seconds)
        for name, one in medians.items()
        if name != "notebook"
    }
    if "warm" in medians:
        warm = medians["warm"]
        found["head_warm"] = _ratio(notebook.stage_seconds[0], warm.stage_seconds[0])
    return found


def _ratio(notebook: float, engine: float) -> float:
    return notebook / engine if engine > 0 else float("nan")
