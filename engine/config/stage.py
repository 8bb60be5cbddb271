"""A stage of a training, and what its layers must hold; limits of single values are their kinds'.

The checks raise InputError about a field of Stage, which is an option of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import InputError

Schedule = Literal["constant", "cosine"]
MAX_LAYERS = 100_000
"""More than any network of the catalogue has; the largest has about 1,000."""


@dataclass(frozen=True, slots=True)
class Unfreeze:
    """More layers to train from some epoch of a stage on."""

    after_epoch: int
    """Epoch of the stage, from 1; they train from the next one on."""
    last: int | None
    """How many of the backbone's last layers train then; None for all."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training with its own trainable layers and learning rate."""

    name: str
    """What screens and records call it."""
    epochs: int
    learning_rate: float
    """The learning rate at the stage's start."""
    unfreeze_last: int | None
    """How many of the backbone's last layers train besides the head; None for all."""
    schedule: Schedule = "constant"
    """Course of the learning rate over the stage: `cosine` falls to zero at its end."""
    unfreezes: tuple[Unfreeze, ...] = ()
    """Layers that join in its course, by epoch."""
    block_every: int = 0
    """One more block joins after every so many epochs, from the output on; 0 for none."""


def check_joining(stage: Stage) -> None:
    """Reject layers that would join a stage out of order, too late, or not at all."""
    if stage.unfreezes and stage.block_every:
        found = str(stage.block_every)
        raise InputError("unfreezes", "no `block_every` beside it", found, "leave one of them out")
    if stage.block_every >= stage.epochs:
        raise InputError(
            "block_every",
            f"fewer than the last stage's epochs, {stage.epochs}",
            str(stage.block_every),
            "a block joins only where an epoch follows",
        )
    earlier, training = 0, stage.unfreeze_last
    for unfreeze in stage.unfreezes:
        epoch, last = unfreeze.after_epoch, unfreeze.last
        if not earlier < epoch < stage.epochs:
            expected = f"rising epochs of 1 or more, below the last stage's {stage.epochs}"
            found = f"{epoch} after {earlier}" if earlier else str(epoch)
            hint = "write the earliest first, or give the stage more `epochs`"
            raise InputError("unfreezes", expected, found, hint)
        least = max(training or 0, 1)
        if last is not None and (training is None or not least <= last <= MAX_LAYERS):
            layers = "all" if training is None else f"{least} to {MAX_LAYERS} layers or all"
            expected, hint = f"{layers} after epoch {epoch}", "what trains before stays unfrozen"
            raise InputError("unfreezes", expected, str(last), hint)
        earlier, training = epoch, last
