"""The lines that `--plain` prints of each event. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.common.text import accuracy, byte_size, count, duration, rate, whole
from engine.config.dataset_names import short
from engine.config.spec import RunSpec
from engine.metrics.catalogue import texts_of
from engine.protocol.events import (
    BatchEnded,
    CommandRejected,
    EpochEnded,
    Event,
    FeaturesReady,
    FreezeApplied,
    LearningRateChanged,
    LogLine,
    PhaseChanged,
    PhaseProgressed,
    QueueChanged,
    RunEnded,
    RunResumed,
    RunStarted,
    TestEnded,
)
from engine.protocol.facts import LayerNode
from engine.runs.directory import RunDirectory
from engine.runs.listing import read_events
from engine.state.layer_choice import leaf_nodes
from engine.state.snapshot import RunSnapshot
from engine.state.store import RunStore
from tui.settings.option_names import in_flags

PACE_SECONDS = 2.0
SHORT_PHASES = ("validating", "saving")
"""Phases of every epoch, named only if nothing else was printed recently."""
STAGELESS_PHASES = ("loading", "downloading", "testing", "saving")
FEATURE_SOURCES = {
    "extracted": "extracted",
    "derived": "computed from earlier ones",
    "cache": "from the cache",
}
GROUPS_OPENED = ("model", "backbone", "stage")
"""Kinds of groups whose subgroups are listed too."""


class ProgressLines:
    """A session's events as lines, at most one every two seconds within a phase."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        self._specs = tuple(specs)
        self._names = _names(self._specs)
        self._stores: dict[int, RunStore] = {}
        self._said_at = -PACE_SECONDS
        self._last = ""

    def catch_up(self, index: int, directory: RunDirectory) -> None:
        """Apply what was recorded of the run at place `index` so far; its lines go unsaid."""
        for event in read_events(directory):
            self.lines(index, directory.run_id, event)

    def lines(self, index: int, run_id: str, event: Event) -> list[str]:
        """Return the lines to print for one event; mostly none."""
        lines = []
        name = self._names[index]
        if index not in self._stores:
            self._stores[index] = RunStore(run_id, self._specs[index])
            lines.append(f"{name}  run {index + 1} of {len(self._specs)}: {run_id}")
        if isinstance(event, QueueChanged):
            lines.append(self._change_queue(index, name, event.waiting))
        store = self._stores[index]
        store.apply(event)
        text_of = _TEXTS.get(type(event))
        if text_of is not None and self._is_due(event):
            text = text_of(store.snapshot(), event)
            lines += [f"{name}  {in_flags(text)}"] if text else []
        if isinstance(event, RunStarted):
            lines += [f"{name}  {line}" for line in _started(event)] + _tree(event.layers)
        lines = [line for line in map(_printable, lines) if line != self._last]
        if lines:
            self._said_at, self._last = event.time, lines[-1]
        return lines

    def _change_queue(self, index: int, name: str, waiting: tuple[RunSpec, ...]) -> str:
        """Update the runs that wait, and return the line that names them."""
        begun = max(index, *self._stores) + 1
        self._specs = (*self._specs[:begun], *waiting)
        self._names = _names(self._specs)
        names = ", ".join(self._names[begun:])
        return f"{name}  queue: {f'next {names}' if names else 'empty'}"

    def _is_due(self, event: Event) -> bool:
        paced = isinstance(event, (BatchEnded, PhaseProgressed)) or (
            isinstance(event, PhaseChanged) and event.phase in SHORT_PHASES
        )
        return not paced or event.time - self._said_at >= PACE_SECONDS


def _names(specs: tuple[RunSpec, ...]) -> list[str]:
    """Return the model names, with the seed if the queue holds a model more than once."""
    counts = Counter(spec.model for spec in specs)
    return [
        f"{spec.model} seed {spec.seed}" if counts[spec.model] > 1 else spec.model for spec in specs
    ]


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line).rstrip()


def _stage(run: RunSnapshot) -> str:
    stages = run.spec.stages
    if not 1 <= run.stage <= len(stages):
        return ""
    return f"stage {run.stage}/{len(stages)} {stages[run.stage - 1].name}  "


def _phase(run: RunSnapshot, event: PhaseChanged) -> str:
    if event.phase == "training":
        return ""
    stage = "" if event.phase in STAGELESS_PHASES else _stage(run)
    return f"{stage}{event.phase} {event.detail}"


def _phase_progress(run: RunSnapshot, event: PhaseProgressed) -> str:
    figure = byte_size if event.unit == "bytes" else whole
    of = f" of {figure(event.total)}" if event.total else ""
    unit = " images" if event.unit == "images" else ""
    stage = "" if run.phase in STAGELESS_PHASES else _stage(run)
    return f"{stage}{run.phase}  {figure(event.done)}{of}{unit}{_phase_pace(run)}"


def _phase_pace(run: RunSnapshot) -> str:
    """Return the images per second of an extraction, and its remaining time."""
    pace, left = run.phase_units_per_second, run.phase_seconds_left
    if run.phase != "extracting" or pace is None:
        return ""
    return f"  {whole(pace)} img/s  ETA {duration(left)}"


def _started(event: RunStarted) -> list[str]:
    data, model = event.data, event.model
    return [
        f"data    {short(event.spec.dataset)}: {whole(data.train_images)} training, "
        f"{whole(data.validation_images)} validation, {whole(data.test_images)} test images",
        f"model   depth {model.depth}, {whole(model.parameters)} parameters, "
        f"{count(model.flops)} FLOPs per image at {model.image_size} px",
        "layers",
    ]


def _resumed(run: RunSnapshot, event: RunResumed) -> str:
    if not event.stage:
        return "resumed from the start"
    batch = f", batch {event.step}" if event.step else ""
    return f"resumed after epoch {event.epoch}{batch}"


def _tree(root: LayerNode) -> list[str]:
    rows = [row for child in root.children or (root,) for row in _branch(child, 1)]
    widest = max(len(row[0]) for row in rows)
    return [
        f"{label:<{widest}}  {whole(node.parameters):>12}  {_state(node)}" for label, node in rows
    ]


def _branch(node: LayerNode, depth: int) -> Iterator[tuple[str, LayerNode]]:
    leaves = len(list(leaf_nodes(node)))
    layers = f"  ({leaves} layers)" if leaves > 1 else ""
    yield f"{'  ' * depth}{node.name}{layers}", node
    if node.kind in GROUPS_OPENED:
        for child in node.children:
            if child.children:
                yield from _branch(child, depth + 1)


def _state(node: LayerNode) -> str:
    if not node.parameters:
        return ""
    trains = sum(leaf.parameters for leaf in leaf_nodes(node) if leaf.trainable)
    if not trains:
        return "frozen"
    return "trains" if trains == node.parameters else f"{whole(trains)} train"


def _freeze(run: RunSnapshot, event: FreezeApplied) -> str:
    kept = f"; all before {event.frontier} is computed once" if event.frontier else ""
    what = f"trains {run.stage_trains} at {rate(run.learning_rate)}"
    if (event.command_ids or event.planned) and run.markers:
        what = run.markers[-1].text
    return (
        f"{_stage(run)}{what}: {whole(event.trainable_parameters)} parameters train, "
        f"{whole(event.frozen_parameters)} frozen{kept}"
    )


def _features(run: RunSnapshot, event: FeaturesReady) -> str:
    if event.views == 1:
        rows = f"{whole(event.images)} × 1 view"
    else:
        rows = f"{whole(event.images)} rows with {event.views} views of each training image"
    held = "in memory" if event.held == "memory" else "on disk"
    seconds = f"{event.seconds:.1f} s" if event.seconds < 10 else duration(event.seconds)
    return (
        f"{_stage(run)}features: {rows}, {byte_size(event.bytes)} {held}, "
        f"{FEATURE_SOURCES[event.source]} in {seconds}"
    )


def _learning_rate(run: RunSnapshot, event: LearningRateChanged) -> str:
    return f"{_stage(run)}learning rate {rate(event.learning_rate)}"


def _batch(run: RunSnapshot, event: BatchEnded) -> str:
    return (
        f"{_stage(run)}epoch {event.epoch}/{run.epochs}  batch {event.step}/{run.steps}  "
        f"loss {event.loss:.2f}  acc {event.accuracy:.2f}  "
        f"{whole(run.images_per_second)} img/s  ETA {duration(run.eta_seconds)}"
    )


def _epoch(run: RunSnapshot, event: EpochEnded) -> str:
    patience = ""
    if run.spec.patience is not None:
        patience = f"  patience {run.epochs_without_gain}/{run.spec.patience}"
    return (
        f"{_stage(run)}epoch {event.epoch}/{run.epochs} ended  "
        f"loss {event.loss:.4f}  acc {accuracy(event.accuracy)}  "
        f"val loss {event.val_loss:.4f}  val acc {accuracy(event.val_accuracy)}  "
        f"{duration(event.train_seconds + event.validation_seconds)}  "
        f"{whole(event.images_per_second)} img/s{patience}"
    )


def _rejected(run: RunSnapshot, event: CommandRejected) -> str:
    return f"not done, {type(event.command).__name__}: {event.reason}"


def _log(run: RunSnapshot, event: LogLine) -> str:
    if event.level not in ("warning", "error"):
        return ""
    *before, last = event.text.splitlines() or [""]
    # A traceback: its last line says what went wrong.
    where = f" ({run.run_id}/run.log has all of it)" if before else ""
    return f"{event.level}: {last}{where}"


def _test(run: RunSnapshot, event: TestEnded) -> str:
    more = f" ({', '.join(texts)})" if (texts := texts_of(event)) else ""
    return (
        f"test accuracy {accuracy(event.accuracy)}{more} on {whole(event.images)} images, "
        f"loss {event.loss:.4f}{_kept(run)}"
    )


def _kept(run: RunSnapshot) -> str:
    kept = run.kept
    if kept is None:
        return ""
    why = "best on validation" if run.spec.keep == "best" else "the last"
    validated = f"val acc {accuracy(kept.val_accuracy)}, val loss {kept.val_loss:.4f}"
    return f"; weights of epoch {kept.epoch}, {why}: {validated}"


def _ended(run: RunSnapshot, event: RunEnded) -> str:
    spent = (
        f"in {duration(run.wall_seconds(event.time))}, {duration(run.train_seconds)} of training"
    )
    why = f": {event.error}" if event.error else ""
    return f"{event.status} {spent}{why}"


_TEXTS: Mapping[type[Event], Callable[[RunSnapshot, Any], str]] = {
    PhaseChanged: _phase,
    PhaseProgressed: _phase_progress,
    RunResumed: _resumed,
    FreezeApplied: _freeze,
    FeaturesReady: _features,
    LearningRateChanged: _learning_rate,
    BatchEnded: _batch,
    EpochEnded: _epoch,
    LogLine: _log,
    CommandRejected: _rejected,
    TestEnded: _test,
    RunEnded: _ended,
}
"""What is said of an event in one line, after the run's name; empty for nothing."""
