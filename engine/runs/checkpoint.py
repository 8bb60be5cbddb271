"""What a checkpoint holds, how it reaches the disk whole, and how it is read back."""

from __future__ import annotations

import json
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.common.atomic import written_whole
from engine.common.codec import from_plain, to_plain
from engine.common.regular_file import reason_of
from engine.errors import InputError
from engine.protocol.events import Executor

DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged archive may raise: some errors call it encrypted or of another version."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of an epoch so far; see `EpochMeter`."""

    loss: float = 0.0
    accuracy: float = 0.0
    images: int = 0
    seconds: float = 0.0
    timed_images: int = 0
    input_wait_seconds: float = math.nan


@dataclass(frozen=True, slots=True)
class Best:
    """The best epoch on the validation images."""

    epoch: int = 0
    """0 where there is none."""
    val_accuracy: float = math.nan
    val_loss: float = math.nan


@dataclass(frozen=True, slots=True)
class Position:
    """Where in its run a checkpoint was made, and what resuming needs besides the variables."""

    stage: int
    """1-based."""
    epoch: int
    """1-based through all stages; the current one, or the one that has ended if `step` is 0."""
    step: int
    """Steps of that epoch taken so far."""
    learning_rate: float
    trainable: tuple[str, ...]
    """Leaf layers asked to train."""
    batchnorm_locked: bool
    stage_began: int = 0
    """Epochs that ended before the stage began."""
    ended_epochs: int = 0
    val_accuracies: tuple[float, ...] = ()
    """Of the stage's epochs so far."""
    best_val_accuracy: float = math.nan
    """In older checkpoints, which do not name the epoch: see `best`."""
    best: Best = Best()
    """Of all epochs, where the best weights are kept."""
    sums: Sums = Sums()
    kept: tuple[str, ...] = ()
    """The operations whose features the step is fed with."""
    executor: Executor = "backend"
    """What computed them; in older checkpoints always the backend."""
    xla: dict[str, bool] | None = None
    """Whether XLA compiles a step, by what trains; None in older checkpoints, which left it to
    Keras."""
    waiting: tuple[dict[str, Any], ...] = ()
    """Commands accepted and not carried out yet, as written in `commands.jsonl`."""
    skips_stage: bool = False


def words_of(position: Position) -> str:
    """Return the position in a phrase: `after epoch 3`, `after batch 12 of epoch 4`."""
    batch = f"batch {position.step} of " if position.step else ""
    return f"after {batch}epoch {position.epoch}"


def save_checkpoint(path: Path, network: Any, optimizer: Any, position: Position) -> int:
    """Write every variable of model and optimizer, whole or not at all.

    `network.variables` holds the dropout seeds too, which a `.keras` file loses.

    Returns:
        Size in bytes.
    """
    import numpy as np

    arrays = {f"model/{i}": np.asarray(v.value) for i, v in enumerate(network.variables)}
    arrays |= {f"optimizer/{i}": np.asarray(v.value) for i, v in enumerate(optimizer.variables)}
    text = json.dumps(to_plain(position))
    arrays["position"] = np.frombuffer(text.encode(), dtype=np.uint8)
    path.parent.mkdir(exist_ok=True)
    with written_whole(path) as aside:
        np.savez(aside, allow_pickle=False, **arrays)
    return path.stat().st_size


def checkpoint_bytes(network: Any, optimizer: Any) -> int:
    """Return about how many bytes a checkpoint takes on the disk."""
    variables = (*network.variables, *optimizer.variables)
    return sum(4 * math.prod(variable.shape) for variable in variables)


def newest_whole(folder: Path) -> Path | None:
    """Return the newest checkpoint that can be read to its last byte; None where there is none."""
    paths = (folder / f"{name}.npz" for name in ("last", "previous"))
    return next((path for path in paths if _is_whole(path)), None)


def _is_whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except DAMAGE:
        return False


def read_position(path: Path) -> Position:
    """Return the position of a checkpoint, without its weights.

    Raises:
        InputError: it is not a whole checkpoint.
    """
    with _opened(path) as arrays:
        plain = json.loads(arrays["position"].tobytes())
    position: Position = from_plain(Position, plain, path.name)
    return position


def load_optimizer(path: Path, optimizer: Any) -> None:
    """Put a checkpoint's values into the variables of an optimizer of the same structure.

    Raises:
        InputError: it is not a whole checkpoint, or one of another optimizer.
    """
    with _opened(path) as arrays:
        _assign(arrays, "optimizer", optimizer.variables, path)


def load_weights(path: Path, network: Any) -> None:
    """Put a checkpoint's values into the variables of a model alone.

    Raises:
        InputError: it is not a whole checkpoint, or one of another model.
    """
    with _opened(path) as arrays:
        _assign(arrays, "model", network.variables, path)


def _assign(arrays: Any, prefix: str, variables: list[Any], path: Path) -> None:
    count = sum(name.startswith(f"{prefix}/") for name in arrays.files)
    if count != len(variables):
        expected = f"{len(variables)} {prefix} variables"
        raise InputError("", expected, str(count), place=path.name)
    for i, variable in enumerate(variables):
        variable.assign(arrays[f"{prefix}/{i}"])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            yield arrays
    except DAMAGE as error:
        raise InputError("", "a whole checkpoint", reason_of(error), place=path.name) from error
