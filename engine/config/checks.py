"""What the stages that options ask for must hold; the limits of single values are their kinds'.

All raise InputError, which says which option, what was expected, what was found, what to do.
"""

from __future__ import annotations

from engine.config.spec import Stage, Unfreeze
from engine.errors import InputError

MAX_LAYERS = 100_000
"""More than any network of the catalogue has; the largest has about 1,000."""


def check_count(option: str, count: int, stages: int) -> None:
    """Reject more values than stages, or none."""
    if not 1 <= count <= stages:
        raise InputError(
            f"{option}: expected at most {stages}, one a stage, found {count}; "
            f"the training asked for has {stages} stage{'s' if stages > 1 else ''}"
        )


def check_unfreezes(stage: Stage) -> None:
    """Reject layers that would join a stage out of order, too late, or not at all."""
    earlier, training = 0, stage.unfreeze_last
    for unfreeze in stage.unfreezes:
        _check_epoch(unfreeze.after_epoch, earlier, stage.epochs)
        _check_layers(unfreeze, training)
        earlier, training = unfreeze.after_epoch, unfreeze.last


def _check_epoch(epoch: int, earlier: int, epochs: int) -> None:
    if epochs < 2:
        raise InputError(
            f"--unfreeze-after: expected a last stage of 2 epochs or more, found {epochs}; "
            "give it more with --epochs"
        )
    if not 1 <= epoch < epochs:
        raise InputError(
            f"--unfreeze-after: expected an epoch from 1 to {epochs - 1} of the last stage's "
            f"{epochs}, found {epoch}; after its last one nothing follows"
        )
    if epoch <= earlier:
        raise InputError(
            f"--unfreeze-after: expected rising epochs, found {epoch} after {earlier}; "
            "write the earliest first, and each once"
        )


def _check_layers(unfreeze: Unfreeze, training: int | None) -> None:
    if unfreeze.last is None:
        return
    start = f"--unfreeze-after: after epoch {unfreeze.after_epoch} expected"
    if not 1 <= unfreeze.last <= MAX_LAYERS:
        raise InputError(f"{start} 1 to {MAX_LAYERS} layers or all, found {unfreeze.last}")
    if training is None:
        raise InputError(
            f"{start} all, found {unfreeze.last}; all layers train before, and none freezes again"
        )
    if unfreeze.last < training:
        raise InputError(
            f"{start} {training} layers or more, found {unfreeze.last}; "
            f"the last {training} train before, and none freezes again"
        )


def check_block_every(stage: Stage) -> None:
    """Reject a pace of blocks at which none would join."""
    if stage.block_every >= stage.epochs:
        raise InputError(
            f"--unfreeze-blocks: expected fewer than the last stage's epochs, {stage.epochs}, "
            f"found {stage.block_every}; a block joins only where an epoch follows"
        )
