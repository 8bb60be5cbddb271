"""Where a run is in its stages, epochs and steps, to and from a checkpoint's position."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field

from engine.common.codec import to_plain
from engine.errors import InputError
from engine.protocol.events import EpochEnded, Executor
from engine.runs.checkpoint import Best, Position, Sums
from engine.training.control import Control
from engine.training.segment import EpochMeter, measured
from engine.training.selection import Selection


@dataclass
class Place:
    """Counts of the trainer; epochs are numbered from 1 through all stages."""

    stage: int = 0
    epoch: int = 0
    """The current one, or the last one before."""
    step: int = 0
    """Steps of it that are done; 0 once it has ended."""
    stage_began: int = 0
    """Epochs that had ended when the stage began."""
    ended_epochs: int = 0
    learning_rate: float = math.nan
    val_accuracies: list[float] = field(default_factory=list)
    """Of the stage's epochs."""
    meter: EpochMeter = field(default_factory=EpochMeter)
    """Of the current epoch."""

    @property
    def stage_epochs(self) -> int:
        """Epochs of the stage that have ended."""
        return len(self.val_accuracies)

    def begin_stage(self, number: int, learning_rate: float) -> None:
        """Move before the first epoch of a stage."""
        self.stage, self.stage_began = number, self.epoch
        self.learning_rate, self.val_accuracies = learning_rate, []

    def begin_epoch(self) -> None:
        """Move before the first step of the next epoch."""
        self.epoch, self.step, self.meter = self.epoch + 1, 0, EpochMeter()

    def end_epoch(self, val_accuracy: float) -> None:
        """Move after the epoch's validation."""
        self.step = 0
        self.ended_epochs += 1
        self.val_accuracies.append(val_accuracy)

    def ended(
        self, validated: tuple[float, float], validation_seconds: float, rate: float
    ) -> EpochEnded:
        """Make the event of the epoch that has ended, from its validation and its last rate."""
        meter = self.meter
        return EpochEnded(
            epoch=self.epoch,
            stage=self.stage,
            loss=meter.loss,
            accuracy=meter.accuracy,
            val_loss=validated[0],
            val_accuracy=validated[1],
            learning_rate=rate,
            train_seconds=meter.seconds,
            validation_seconds=validation_seconds,
            images_per_second=meter.images_per_second,
            input_wait_seconds=measured(meter.input_wait_seconds),
        )

    def refuse_infinite(self, loss: float, kept: str, of: str = "") -> None:
        """End the run at a loss that is not finite; its checkpoint stays the one from before.

        Args:
            loss: mean so far.
            kept: where the newest checkpoint was written, as text; empty where there is none.
            of: what it is the loss of, where not of the training.

        Raises:
            InputError: it is infinite or NaN.
        """
        if math.isfinite(loss):
            return
        raise InputError(
            "",
            f"a finite {of}loss",
            f"{loss} in epoch {self.epoch} at batch {self.step}",
            f"try a lower `learning_rates` than {self.learning_rate:g}"
            + (f"; the checkpoint {kept} is kept" if kept else ""),
        )

    def position(
        self,
        selection: Selection,
        control: Control,
        best: Best,
        kept: frozenset[str],
        executor: Executor,
        xla: dict[str, bool] | None,
    ) -> Position:
        """Make what a checkpoint has to hold beside the variables."""
        meter = self.meter if self.step else EpochMeter()
        return Position(
            stage=self.stage,
            epoch=self.epoch,
            step=self.step,
            learning_rate=self.learning_rate,
            trainable=tuple(sorted(selection.names)),
            batchnorm_locked=selection.locked,
            stage_began=self.stage_began,
            ended_epochs=self.ended_epochs,
            val_accuracies=tuple(self.val_accuracies),
            best=best,
            sums=Sums(*astuple(meter)),
            kept=tuple(sorted(kept)),
            executor=executor,
            xla=xla,
            waiting=tuple(to_plain(change) for change in control.waiting),
            skips_stage=control.skip_stage,
        )


def place_of(position: Position) -> Place:
    """Return the position of the run that wrote this checkpoint."""
    return Place(
        stage=position.stage,
        epoch=position.epoch,
        step=position.step,
        stage_began=position.stage_began,
        ended_epochs=position.ended_epochs,
        learning_rate=position.learning_rate,
        val_accuracies=list(position.val_accuracies),
        meter=EpochMeter(*astuple(position.sums)),
    )
