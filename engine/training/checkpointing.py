"""When a checkpoint is written, which one is the best, and what is reported of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.config.spec import RunSpec
from engine.protocol.events import CheckpointSaved, EpochEnded, Event, LogLine, PhaseChanged
from engine.runs.checkpoint import (
    Best,
    Position,
    checkpoint_bytes,
    load_weights,
    read_position,
    save_checkpoint,
    words_of,
)
from engine.runs.directory import RunDirectory
from engine.state.kept_epoch import is_better
from engine.training.control import Control


class Checkpointing:
    """Writes `last` and `best`; on a full disk the run waits, on a broken one it warns."""

    def __init__(
        self,
        spec: RunSpec,
        directory: RunDirectory,
        network: Any,
        emit: Callable[[Event], None],
        control: Control,
    ) -> None:
        """Begin without any; the arguments are those of `Learner`."""
        self._seconds_between = 60 * spec.checkpoint_minutes
        self._keeps_best = spec.keep == "best"
        self._directory, self._network, self._emit = directory, network, emit
        self._control = control
        self.best = Best()
        """The best epoch so far, whose weights are on disk."""
        self._saved_at = time.monotonic()
        self.last = ""
        """Where the newest one was written, as text; empty while there is none."""
        self._restored: Position | None = None

    def save_last(self, optimizer: Any, position: Position) -> None:
        """Write a checkpoint of the present position, unless the run was resumed just there."""
        at = self._restored
        if at is None or (at.stage, at.epoch, at.step) != (
            position.stage,
            position.epoch,
            position.step,
        ):
            self._save("last", optimizer, position)

    def save_as_asked(self, optimizer: Any, position: Position) -> None:
        """Write a checkpoint that the user asked for, and report it."""
        if self._save("last", optimizer, position):
            self._emit(LogLine(level="info", text=f"checkpoint saved {self.last}"))

    def save_if_best(self, ended: EpochEnded, optimizer: Any, position: Position) -> None:
        """Keep the weights of an epoch that is better on the validation images than any before."""
        best = self.best
        if self._keeps_best and is_better(
            ended.val_accuracy, ended.val_loss, best.val_accuracy, best.val_loss
        ):
            found = Best(ended.epoch, ended.val_accuracy, ended.val_loss)
            if self._save("best", optimizer, replace(position, best=found)):
                self.best = found

    def restore(self, position: Position) -> None:
        """Continue after the checkpoint at this position."""
        self.best, self.last = self._kept(position), words_of(position)
        self._restored = position

    def _kept(self, position: Position) -> Best:
        """The epoch of the weights on disk, which may be past the checkpoint."""
        best = self._best_file
        if best is None:
            return position.best
        found = read_position(best).best
        return found if found.epoch else position.best  # of before: it does not say which

    def restore_kept(self, last: int) -> int:
        """Load the weights to test and export into the network, and report which they are.

        Args:
            last: the epoch whose weights it has.

        Returns:
            The epoch whose weights it has afterwards.
        """
        best = self._best_file
        if best is None:
            return last
        load_weights(best, self._network)
        kept = self.best
        text = f"tests the weights of epoch {kept.epoch}, the best of {last} on validation"
        self._emit(LogLine(level="info", text=text))
        return kept.epoch

    @property
    def _best_file(self) -> Path | None:
        """The checkpoint of the best epoch; None where the last epoch's weights count."""
        path = self._directory.checkpoints / "best.npz"
        return path if self._keeps_best and path.exists() else None

    @property
    def is_due(self) -> bool:
        """Whether the last one is so old that another is worth its time."""
        return time.monotonic() - self._saved_at >= self._seconds_between

    def _keep_previous(self, last: Path) -> None:
        """Keep the second newest: it counts if the newest is damaged."""
        previous = last.with_name("previous.npz")
        previous.unlink(missing_ok=True)
        if last.exists():
            with contextlib.suppress(OSError):  # a file system without hard links has only one
                os.link(last, previous)

    def _save(self, name: str, optimizer: Any, position: Position) -> bool:
        if optimizer is None:
            text = "there is nothing to save yet: the stage's first epoch has not begun"
            self._emit(LogLine(level="info", text=text))
            return False
        self._emit(PhaseChanged(phase="saving", detail="checkpoint"))
        path = self._directory.checkpoints / f"{name}.npz"
        self._saved_at = time.monotonic()
        try:
            if name == "last":
                self._keep_previous(path)
            needed = checkpoint_bytes(self._network, optimizer)
            write = partial(save_checkpoint, path, self._network, optimizer, position)
            size = self._control.write(path, needed, write)
        except OSError as error:
            text = f"the checkpoint could not be written ({error.strerror}); training continues"
            self._emit(LogLine(level="warning", text=text))
            return False
        saved = CheckpointSaved(
            epoch=position.epoch, step=position.step, path=str(path), bytes=size
        )
        self._emit(saved)
        if name == "last":
            self.last = words_of(position)
        return True
