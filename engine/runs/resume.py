"""A run left by an earlier process: where it resumes, and what its queue still holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.common.lines import drop_torn_line
from engine.config.dataset_names import find_row
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.protocol.commands import SetBatchNormLock, SetLearningRate, SetTrainable, SkipStage
from engine.protocol.events import (
    CheckpointSaved,
    CommandAccepted,
    EpochEnded,
    QueueChanged,
    RunResumed,
    RunStarted,
)
from engine.protocol.facts import DataFacts
from engine.runs.checkpoint import Best, Position, newest_whole, read_position, words_of
from engine.runs.directory import RunDirectory, check_runs_dir
from engine.runs.listing import RunRecord, list_runs, read_events
from engine.runs.lock import holder
from engine.runs.selecting import choose_run, is_same_queue, runs_beside
from engine.state.kept_epoch import first_of_highest_accuracy

CHANGES = (SetTrainable, SetBatchNormLock, SetLearningRate, SkipStage)
"""The commands that change what a run does from then on."""
RESUMABLE = ("stopped", "interrupted")
"""Always unfinished; a failed run is so only if it has a checkpoint to resume from."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """How to resume a run in its own directory."""

    directory: RunDirectory
    checkpoint: Path = field(default_factory=Path)
    """Meaningless without a position."""
    position: Position | None = None
    """None where no checkpoint was written yet: the run starts again."""
    commands_offset: int = 0
    """Bytes of `commands.jsonl` that are not read again."""
    lost_commands: int = 0
    data: DataFacts | None = None
    """The data it was trained on until the checkpoint; None where they are not recorded."""
    backend: str = ""
    """The backend it began on and resumes on, by Keras' name; empty for the chosen one."""

    def check_data(self, found: DataFacts) -> None:
        """Reject other images than before: some to test on may have been trained on.

        Raises:
            InputError: the images are not those that the run began with.
        """
        began = self.data
        if self.position is None or began is None:
            return
        if began.fingerprint == found.fingerprint:
            self._check_ranges(began, found)
            return
        raise InputError(
            "",
            f"the images that the run began with ({_images(began)})",
            f"others ({_images(found)}): some to test on may have been trained on",
            "bring those back, or train again",
            self.directory.run_id,
        )

    def _check_ranges(self, began: DataFacts, found: DataFacts) -> None:
        """Reject images that would be scaled in another way than before the checkpoint."""
        if (began.ranges or ()) == (found.ranges or ()):
            return
        expected = f"the range of samples that the run began with ({_ranges(began)})"
        said = _ranges(found)
        if began.ranges is None:
            formats = ", ".join(sorted({each.format for each in found.ranges or ()}))
            expected = (
                f"{formats} images scaled as when the run began, each by its own largest sample"
            )
            said = "one range for all of them since"
        raise InputError("", expected, said, "train again", self.directory.run_id)

    @property
    def event(self) -> RunResumed:
        """The first event of the resumed run."""
        at = self.position
        stage, epoch, step = (at.stage, at.epoch, at.step) if at else (0, 0, 0)
        return RunResumed(stage=stage, epoch=epoch, step=step, lost_commands=self.lost_commands)

    @property
    def words(self) -> str:
        """A sentence on where it resumes, and what is lost."""
        at = self.position
        begins = "no checkpoint was written yet: the run starts again"
        if at is not None:
            begins = f"the run resumes {words_of(at)}"
        if not self.lost_commands:
            return begins
        lost = "1 command" if self.lost_commands == 1 else f"{self.lost_commands} commands"
        return f"{begins}; dropped {lost} given after the checkpoint"


def find_unfinished(runs_dir: Path, name: str | None) -> RunRecord:
    """Return the run to resume.

    Args:
        runs_dir: where runs are kept.
        name: a run's id, a part of it that no other has, or its path; None takes the newest
            one that could be named.

    Raises:
        InputError: there is none, or the one named is over or running.
    """
    if name is None:
        check_runs_dir(runs_dir)
        runs = list_runs(runs_dir).runs
        free = (run for run in runs if holder(run.directory.lock) is None)
        found = next(filter(_is_unfinished, free), None)
        if found is None:
            said = f"none among {len(runs)}"
            raise InputError(runs_dir, "an unfinished run", said, "`cifar-tui rank` lists them")
        return found
    run = choose_run(runs_dir, name)
    if (at_work := holder(run.directory.lock)) is not None:
        said = f"{run.run_id} running in process {at_work.pid}"
        raise InputError("", "an unfinished run", said, "`cifar-tui attach` shows it")
    if run.file.spec.ensemble is not None:
        hint = "combine its members again"
        raise InputError("", "a run that trains", f"the ensemble {run.run_id}", hint)
    if not _is_unfinished(run):
        hint = "only what was stopped or interrupted, or failed with a checkpoint, can be resumed"
        raise InputError("", "an unfinished run", f"{run.run_id} {run.status}", hint)
    return run


def check_named(run: RunRecord) -> None:
    """Reject a run whose data set is no longer installed here; loads no package.

    Raises:
        InputError: it is not; names the data set and its package.
    """
    dataset, package = run.file.spec.dataset, run.file.origin.dataset_package
    if find_row(dataset) is None:
        expected = f"the data set {dataset!r} that the run began with"
        hint = f"install {package or 'the package that brings it'}"
        raise InputError("", expected, "none of that name", hint, run.run_id)


def _is_unfinished(run: RunRecord) -> bool:
    """Return whether it can be resumed, including one whose last resumption was rejected."""
    if run.file.spec.ensemble is not None:
        return False
    if run.status in RESUMABLE:
        return True
    return run.status == "failed" and newest_whole(run.directory.checkpoints) is not None


@dataclass(frozen=True, slots=True)
class Queued:
    """A run of a queue and its place in that, from 0."""

    place: int
    spec: RunSpec


def queue_from(record: RunRecord) -> tuple[Queued, ...]:
    """Return the run, and those after it in its queue that have not begun."""
    file = record.file
    first = file.queue_position
    begun = {run.file.queue_position for run in runs_beside(record) if is_same_queue(run, record)}
    changed = _last_change(record)
    later = enumerate(file.queue_specs[first + 1 :], first + 1)
    if changed is not None:
        later = enumerate(changed.waiting, changed.place)
    return (
        Queued(first, file.spec),
        *(Queued(place, spec) for place, spec in later if place not in begun),
    )


def _last_change(record: RunRecord) -> QueueChanged | None:
    """Return the last change of the queue during the run; None where there was none."""
    changed = None
    for event in read_events(record.directory):
        if isinstance(event, QueueChanged):
            changed = event
    return changed


def resumption_of(directory: RunDirectory, backend: str = "") -> Resumption:
    """Return where a run can resume, for the process that holds its lock.

    Files that an earlier process left half-written are removed, and its summary, as the run is not
    over.

    Args:
        directory: of the run.
        backend: the one on which it began, by Keras' name.
    """
    _tidy(directory)
    checkpoint = newest_whole(directory.checkpoints)
    if checkpoint is not None and checkpoint.name != "last.npz":
        # The newest is damaged: it must not replace this one at the next save.
        checkpoint = checkpoint.replace(checkpoint.with_name("last.npz"))
    position = read_position(checkpoint) if checkpoint else None
    offset = directory.commands.stat().st_size if directory.commands.exists() else 0
    if position is not None:
        position = _with_best(directory, position)
    lost, data = _recorded(directory, position)
    return Resumption(directory, checkpoint or Path(), position, offset, lost, data, backend)


def _with_best(directory: RunDirectory, position: Position) -> Position:
    """Return the position with the best epoch, which older checkpoints give by accuracy alone."""
    if position.best.epoch or math.isnan(position.best_val_accuracy):
        return position
    ended: dict[int, EpochEnded] = {}
    for event in read_events(directory):
        if isinstance(event, EpochEnded) and event.epoch <= position.ended_epochs:
            ended[event.epoch] = event
    found = first_of_highest_accuracy(ended[epoch] for epoch in sorted(ended))
    accuracy = position.best_val_accuracy
    best = Best(position.ended_epochs, accuracy)
    if found is not None and found.val_accuracy == accuracy:
        best = Best(found.epoch, accuracy, found.val_loss)
    return replace(position, best=best)


def _images(data: DataFacts) -> str:
    train = data.train_images + data.validation_images
    return f"{train:,} to train and validate, {data.test_images:,} to test"


def _ranges(data: DataFacts) -> str:
    ranges = data.ranges or ()
    return ", ".join(f"{each.format} {each.low} to {each.high}" for each in ranges) or "none"


def _tidy(directory: RunDirectory) -> None:
    for folder in (directory.path, directory.checkpoints):
        for aside in folder.glob(".[0-9]*-*"):
            aside.unlink()
    directory.summary.unlink(missing_ok=True)
    if directory.events.exists():
        drop_torn_line(directory.events)


def _recorded(directory: RunDirectory, position: Position | None) -> tuple[int, DataFacts | None]:
    """Count the accepted changes that the checkpoint does not hold, and return the data too."""
    data = None
    at = (position.epoch, position.step) if position else None
    waiting = {str(command.get("id")) for command in position.waiting} if position else set[str]()
    lost: list[str] = []
    for event in read_events(directory):
        if isinstance(event, CheckpointSaved) and (event.epoch, event.step) == at:
            lost.clear()
        elif isinstance(event, CommandAccepted) and isinstance(event.command, CHANGES):
            lost.append(event.command.id)
        elif isinstance(event, RunStarted):
            data = event.data
    return sum(command_id not in waiting for command_id in lost), data
