"""What a screen shows of one run at one moment: frozen values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from engine.config.spec import RunSpec
from engine.protocol.events import (
    EpochEnded,
    FeaturesReady,
    HardwareSampled,
    LogLine,
    Phase,
    PhaseProgressed,
    TestEnded,
)
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from engine.state.series import Curve

Status = Literal["queued", "running", "completed", "stopped", "failed", "interrupted"]

TRAIN_PHASES: tuple[Phase, ...] = ("extracting", "tracing", "training", "validating")
"""The phases that `train_seconds` adds up."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Something to mark on the charts: what happened at `x` epochs."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class HardwareHistory:
    """About the last two minutes of the machine, oldest first; None where nothing was read."""

    cpu_percent: tuple[float, ...] = ()
    memory_percent: tuple[float, ...] = ()
    gpu_percent: tuple[tuple[float | None, ...], ...] = ()
    """One tuple of readings a GPU."""

    @classmethod
    def over(cls, samples: Sequence[HardwareSampled]) -> HardwareHistory:
        """Of these samples, the oldest first."""
        gpus = ([gpu.utilization_percent for gpu in sample.gpus] for sample in samples)
        return cls(
            tuple(sum(s.cpu_percent) / max(len(s.cpu_percent), 1) for s in samples),
            tuple(100 * s.memory_used_bytes / max(s.memory_total_bytes, 1) for s in samples),
            tuple(zip_longest(*gpus)),
        )


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """Everything that is known of a run at one moment. Curves have x in epochs, from 0."""

    run_id: str
    spec: RunSpec
    status: Status = "queued"
    error: str = ""
    started_at: float | None = None
    """Unix second of the first event."""
    ended_at: float | None = None
    last_event_at: float | None = None
    phase: Phase = "queued"
    phase_detail: str = ""
    phase_since: float | None = None
    phase_progress: PhaseProgressed | None = None
    phase_units_per_second: float | None = None
    """Pace of a phase that reports progress, in its units a second; None for any other."""
    phase_seconds_left: float | None = None
    """Of the phase at that pace, seconds."""
    phase_seconds: dict[Phase, float] = field(default_factory=dict)
    """Finished phases, added up by name."""
    device: str = ""
    model: ModelFacts | None = None
    data: DataFacts | None = None
    layers: LayerNode | None = None
    """The tree as RunStarted had it; what trains now is in `trainable`."""
    trainable: frozenset[str] = frozenset()
    """Leaf layers that the compiled step trains."""
    selected: frozenset[str] = frozenset()
    """Leaf layers that are to train; a locked BatchNormalization among them does not."""
    batchnorm_locked: bool = False
    """Whether the backbone's BatchNormalization is in inference mode and frozen."""
    pending: dict[str, bool] = field(default_factory=dict)
    """Leaf layers that are to train (true) or to freeze, not confirmed yet."""
    pending_lock: bool | None = None
    """Whether BatchNormalization is to be locked, not confirmed yet; None without a request."""
    pending_ids: tuple[str, ...] = ()
    """The commands that wait, oldest first."""
    pending_now: bool = False
    """Whether all that waits does so for the current batch, not for the epoch's end."""
    moved: dict[str, float] = field(default_factory=dict)
    """Relative change of each layer's weights in the last epoch; layers not named did not move."""
    broken: frozenset[str] = frozenset()
    """Layers that moved while they were frozen, ever in this run."""
    pause_requested: bool = False
    stop_requested: str = ""
    """`now`, `epoch` or `run` once a Stop was sent."""
    skip_requested: str = ""
    """`now` or `epoch` once a SkipModel was sent, `stage` once a SkipStage."""
    frontier: str = ""
    """The first leaf that every step computes; empty where no features are kept."""
    features: FeaturesReady | None = None
    """The kept features of the layers before the frontier; None until they are ready."""
    epoch_seconds_now: float | None = None
    """An epoch with its validation while the current layers train: measured, else estimated."""
    epoch_seconds_after_pending: float | None = None
    """The same once all that waits is done; None while nothing waits or nothing is measured."""
    extraction_seconds_after_pending: float | None = None
    """Until its features would be ready, estimated; 0 where none have to be made."""
    trainable_parameters_after_pending: int | None = None
    """The trainable parameters once all that waits is done; None while nothing waits."""
    frontier_after_pending: str = ""
    """The first leaf, in the tree's order, that would train then; empty while nothing waits."""
    trainable_parameters: int = 0
    frozen_parameters: int = 0
    stage: int = 0
    """1-based; 0 before the first."""
    stage_trains: str = ""
    stages_trained: tuple[str, ...] = ()
    """`head 5 ep`, `last 30 layers 3 ep`: what was trained for how many finished epochs."""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    learning_rate: float | None = None
    pending_learning_rate: float | None = None
    """Requested and not confirmed yet."""
    images_per_second: float | None = None
    """Of training, without tracing, extraction and validation."""
    step_seconds: float | None = None
    """Mean of the steps of the current epoch, without tracing."""
    input_wait_seconds: float | None = None
    """Of `step_seconds`, those spent waiting for the batch; None where not measured."""
    eta_seconds: float | None = None
    """Of the epochs left, with extractions, without final test and export."""
    loss: Curve = field(default_factory=Curve)
    accuracy: Curve = field(default_factory=Curve)
    clock: Curve = field(default_factory=Curve)
    """What `train_seconds` was there."""
    ended_epochs: tuple[EpochEnded, ...] = ()
    train_seconds_at_ends: tuple[float, ...] = ()
    """What `train_seconds` was at the end of each of `ended_epochs`."""
    best_epoch: int | None = None
    """The best on the validation images."""
    kept_epoch: int | None = None
    """Whose weights are tested and exported, of the epochs so far: the last one or the best."""
    epochs_without_gain: int = 0
    """Of the stage, since its best validation accuracy; at the spec's patience the stage ends."""
    markers: tuple[Marker, ...] = ()
    test: TestEnded | None = None
    hardware: HardwareSampled | None = None
    hardware_history: HardwareHistory = field(default_factory=HardwareHistory)
    peak_memory_bytes: int | None = None
    """The largest reading of the process's memory; None before the first sample."""
    log: tuple[LogLine, ...] = ()
    """The last lines, oldest first."""
    log_count: int = 0
    """Lines logged in all."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.status not in ("queued", "running")

    @property
    def is_pausing(self) -> bool:
        """Whether it is paused, or will be after this batch."""
        return self.pause_requested or self.phase == "paused"

    @property
    def kept(self) -> EpochEnded | None:
        """The end of `kept_epoch`, with its validation."""
        return next((e for e in self.ended_epochs if e.epoch == self.kept_epoch), None)

    @property
    def train_seconds(self) -> float:
        """Extraction, tracing, training and validation; not import, download, pauses or test."""
        return sum(self.phase_seconds.get(phase, 0.0) for phase in TRAIN_PHASES)

    def wall_seconds(self, at: float) -> float:
        """Seconds from the run's start to its end, or to the Unix second `at` while it runs.

        Those of the runs that it combines are added.
        """
        if self.started_at is None:
            return 0.0
        before = self.spec.ensemble.wall_seconds if self.spec.ensemble else 0.0
        return before + max((self.ended_at or at) - self.started_at, 0.0)
