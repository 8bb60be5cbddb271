"""All events that a trainer emits: frozen dataclasses, their JSON form, and their legal order.

One attempt at a run emits, in this order (`*` any number, `?` at most one):

    PhaseChanged("loading")  PhaseChanged("downloading")?  PhaseProgressed*
    RunStarted
      StageStarted                                  once a stage
        FreezeApplied                               what the compiled step really trains
        FeaturesReady*                              the output of the frozen prefix is held
        EpochStarted                                epochs are numbered from 1 through all stages
          BatchEnded*                               at most 4 a second; the last of an epoch always
        EpochEnded                                  after its validation; not for an epoch cut short
        LayersMoved                                 how far each layer's weights moved in it
        CheckpointSaved?
      FreezeApplied | LearningRateChanged           between two segments of batches
    TestEnded?
    RunEnded

PhaseChanged, PhaseProgressed, CommandAccepted, CommandRejected, QueueChanged, HardwareSampled and
LogLine may come anywhere before RunEnded. A run that fails while loading has no RunStarted. A
killed process writes no RunEnded; readers call such a run interrupted.

In `events.jsonl` each line is one object: `event` (the class name), `time`, then the fields.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.common.codec import from_plain, to_plain
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.protocol.commands import Command
from engine.protocol.facts import DataFacts, GpuReading, LayerNode, ModelFacts

Phase = Literal[
    "queued",
    "loading",
    "downloading",
    "extracting",
    "tracing",
    "training",
    "validating",
    "testing",
    "paused",
    "saving",
]
Executor = Literal["backend", "xnnpack"]
"""What computes features: the backend with all cores at each layer, or XNNPACK a core a batch."""
RunStatus = Literal["completed", "stopped", "failed", "interrupted"]
"""`interrupted`: ended early with a checkpoint; of a killed process readers derive it."""

_WALL_AT_START = time.time() - time.perf_counter()


def now() -> float:
    """Return Unix seconds that never go backwards within a process."""
    return _WALL_AT_START + time.perf_counter()


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened, with the Unix second at which it did."""

    TAG: ClassVar = "event"

    time: float = field(default_factory=now)


@dataclass(frozen=True, kw_only=True)
class PhaseChanged(Event):
    """What the trainer does from now on."""

    phase: Phase
    detail: str = ""
    """What exactly: `TensorFlow`, `resnet50v2 weights`, `batch 64`."""
    executor: Executor | None = None
    """What computes the features that are extracted; None in another phase, or where it is still
    the same."""


@dataclass(frozen=True, kw_only=True)
class PhaseProgressed(Event):
    """How far the current phase is."""

    done: int
    total: int | None
    """None where it is not known."""
    unit: Literal["images", "bytes"]


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The model is built and its data are read; training is about to begin."""

    spec: RunSpec
    model: ModelFacts
    data: DataFacts
    layers: LayerNode
    steps_per_epoch: int
    epochs: int
    """Epochs of all stages together."""
    device: str = ""
    """The device that computes: `cpu:0`, `gpu:1`."""


@dataclass(frozen=True, kw_only=True)
class RunResumed(Event):
    """Another process continues from a checkpoint; what was recorded past it did not happen."""

    stage: int
    epoch: int
    """The current one, or where `step` is 0 the one that the checkpoint follows."""
    step: int
    """Steps of that epoch that are done."""
    lost_commands: int = 0
    """Commands accepted after the checkpoint, which are dropped."""


@dataclass(frozen=True, kw_only=True)
class StageStarted(Event):
    """A stage of the recipe began."""

    stage: int
    """1-based."""
    name: str
    epochs: int
    learning_rate: float
    trains: str
    """What trains: `head`, `last 30 layers`, `all 19`."""


@dataclass(frozen=True, kw_only=True)
class EpochStarted(Event):
    """An epoch began; `epoch` counts from 1 through all stages."""

    epoch: int
    stage: int
    steps: int


@dataclass(frozen=True, kw_only=True)
class BatchEnded(Event):
    """Batches up to `step` (1-based) ended; the metrics are means since the last such event."""

    epoch: int
    step: int
    loss: float
    accuracy: float
    batches: int
    images_per_second: float
    """Over the batches since the last event, without tracing; NaN where nothing is left."""
    input_wait_seconds: float | None = None
    """Of the time of these batches, the part between the end of a step and the moment when the next
    had its batch; None where not measured: on a GPU, and in older records."""


@dataclass(frozen=True, kw_only=True)
class EpochEnded(Event):
    """An epoch and its validation ended; metric names as Keras gives them."""

    epoch: int
    stage: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    train_seconds: float
    validation_seconds: float
    images_per_second: float
    input_wait_seconds: float | None = None
    """Of `train_seconds`; see BatchEnded."""


@dataclass(frozen=True, kw_only=True)
class FreezeApplied(Event):
    """The compiled step now trains exactly these layers, read back from the variables it holds."""

    epoch: int
    """The epoch about to run."""
    trainable: tuple[str, ...]
    """Leaf layers that train."""
    trainable_parameters: int
    frozen_parameters: int
    step: int = 0
    """Steps of that epoch that are done."""
    selected: tuple[str, ...] = ()
    """Leaf layers that are to train; a locked BatchNormalization among them does not."""
    batchnorm_locked: bool = False
    """Whether the backbone's BatchNormalization is in inference mode and frozen."""
    command_ids: tuple[str, ...] = ()
    """The commands that this carries out."""
    planned: str = ""
    """What the recipe's plan unfroze: `last 60 layers`, `block 14`."""
    frontier: str = ""
    """The first leaf, in tree order, that is computed at every step: all before it belong to the
    frozen prefix, whose features are kept. Empty where nothing is kept."""


@dataclass(frozen=True, kw_only=True)
class LayersMoved(Event):
    """How far each layer's weights moved in an epoch, moving statistics included."""

    epoch: int
    moved: dict[str, float]
    """Norm of the change over the norm before, by leaf layer; those not named did not change."""
    broken: tuple[str, ...] = ()
    """Layers that changed while they were frozen: any is a fault of the program."""


@dataclass(frozen=True, kw_only=True)
class FeaturesReady(Event):
    """The features of the frozen prefix are ready: from now on only the rest is computed."""

    epoch: int
    """The epoch about to run."""
    source: Literal["extracted", "derived", "cache"]
    """Computed from the images, computed from earlier features, or read from disk."""
    images: int
    """Rows: images of all splits, each counted once for each of its views."""
    views: int
    """Of each training image."""
    bytes: int
    held: Literal["memory", "disk"]
    """`disk`: memory-mapped, since it exceeds the limit."""
    seconds: float
    """Time it took, extraction included."""
    executor: Executor = "backend"
    """What computed them; in older records always the backend."""


@dataclass(frozen=True, kw_only=True)
class LearningRateChanged(Event):
    """The optimizer has a new learning rate."""

    epoch: int
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class CommandAccepted(Event):
    """A command was understood and will be carried out at its time."""

    command: Command


@dataclass(frozen=True, kw_only=True)
class CommandRejected(Event):
    """A command will not be carried out, for the reason given."""

    command: Command
    reason: str


@dataclass(frozen=True, kw_only=True)
class QueueChanged(Event):
    """Runs that wait were added, moved or removed."""

    waiting: tuple[RunSpec, ...]
    """All runs that wait now, in order."""
    place: int
    """Position of the first of them in the whole queue, from 0."""


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(Event):
    """A checkpoint from which the run can be resumed is on disk."""

    epoch: int
    step: int
    path: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class HardwareSampled(Event):
    """The machine at one moment."""

    cpu_percent: tuple[float, ...]
    """One a core, 0 to 100."""
    memory_used_bytes: int
    memory_total_bytes: int
    """The container's limit where it is lower than the machine's."""
    process_memory_bytes: int
    gpus: tuple[GpuReading, ...] = ()
    gpu_note: str = ""
    """Why there is no reading: `no GPU`, `NVML: driver not loaded`."""


@dataclass(frozen=True, kw_only=True)
class LogLine(Event):
    """A line for the log panel."""

    level: Literal["debug", "info", "warning", "error"]
    text: str


@dataclass(frozen=True, kw_only=True)
class TestEnded(Event):
    """The test split was evaluated, once, with the exported weights."""

    __test__ = False  # pytest would take it for a test class

    loss: float
    accuracy: float
    images: int
    top5_accuracy: float | None = None
    """Share with the class among the five most probable; None with five classes or fewer."""
    epoch: int | None = None
    """Whose weights these are; None in older records."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What else `engine.metrics` measures, by key."""


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """The attempt ended by itself."""

    status: RunStatus
    error: str = ""


FREQUENT: tuple[type[Event], ...] = (
    BatchEnded,
    PhaseProgressed,
    HardwareSampled,
    LayersMoved,
    LogLine,
)
"""Events of which a long record holds many: thinned where it is read, dropped first where a full
disk keeps too many waiting, left out of an outline of the run."""
EVENT_TYPES: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}


def event_to_line(event: Event) -> str:
    """Make a line of `events.jsonl`, with its newline."""
    return json.dumps(to_plain(event), allow_nan=False, ensure_ascii=False) + "\n"


def event_from_line(line: str) -> Event | None:
    """Read a line of `events.jsonl`; None for an event that a newer program wrote.

    Raises:
        InputError: the line is not an event.
    """
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError("", "a JSON object", repr(line[:60])) from error
    if not isinstance(plain, dict) or not isinstance(plain.get("event"), str):
        raise InputError("", "an object with the key 'event'", repr(line[:60]))
    kind = EVENT_TYPES.get(plain["event"])
    if kind is None:
        return None
    event: Event = from_plain(kind, plain, kind.__name__)
    return event
