"""What the values of options must hold; each is refused by the name of its flag.

All raise InputError: which option, what was expected, what was found, what to do.
"""

from __future__ import annotations

import math

from engine.config.spec import Stage, Unfreeze
from engine.errors import InputError

MAX_EPOCHS = 10_000
MAX_BATCH_SIZE = 65_536
MAX_IMAGE_SIZE = 1_024
MAX_VIEWS = 64
MAX_PATIENCE = MAX_BLOCK_EVERY = 1_000
MAX_LAYERS = 100_000
"""More than any network of the catalogue has; the largest has about 1,000."""


def check_range(option: str, number: int | None, low: int, high: int) -> None:
    """Refuse a number out of a range, both ends included."""
    if number is not None and not low <= number <= high:
        raise InputError(f"{option}: expected {low} to {high}, found {number}")


def check_count(option: str, count: int, stages: int) -> None:
    """Refuse more values than stages, or none."""
    if not 1 <= count <= stages:
        raise InputError(
            f"{option}: expected at most {stages}, one a stage, found {count}; "
            f"the training asked for has {stages} stage{'s' if stages > 1 else ''}"
        )


def check_learning_rate(option: str, rate: float) -> None:
    """Refuse a learning rate that is none."""
    if not (math.isfinite(rate) and 0 < rate <= 10):
        raise InputError(f"{option}: expected a number in (0, 10], found {rate}")


def check_share(option: str, share: float) -> None:
    """Refuse a share of the training images that leaves too few on one side."""
    if not 0 < share < 0.9:
        raise InputError(f"{option}: expected a share between 0 and 0.9, or 'test', found {share}")


def check_gigabytes(option: str, gigabytes: float | None) -> None:
    """Refuse a limit of memory or disk that is none."""
    if gigabytes is not None and not (math.isfinite(gigabytes) and gigabytes >= 0):
        raise InputError(
            f"{option}: expected gigabytes, 0 or more, found {gigabytes:g}; 0 keeps no features"
        )


def check_device(name: str) -> None:
    """Refuse what names no device."""
    kind, _, index = name.partition(":")
    if name not in ("auto", "cpu", "gpu") and not (kind == "gpu" and index.isdecimal()):
        raise InputError(f"--device: expected auto, cpu, gpu or gpu:N, found {name!r}")


def check_unfreezes(stage: Stage) -> None:
    """Refuse layers that would join a stage out of order, too late, or not at all."""
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
    """Refuse a pace of blocks at which none would join."""
    if stage.block_every >= stage.epochs:
        raise InputError(
            f"--unfreeze-blocks: expected fewer than the last stage's epochs, {stage.epochs}, "
            f"found {stage.block_every}; a block joins only where an epoch follows"
        )
