"""How long training steps took with XLA and without, remembered for the runs that follow.

One small file for the user, which may be deleted at any time: the next run on a GPU measures again.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from engine.common.atomic import written_whole
from engine.common.codec import from_plain, to_plain
from engine.common.folders import features_root
from engine.common.regular_file import read_regular
from engine.errors import InputError

FILE_NAME = "step-timings.json"
FORMAT = 1
MOST_KEPT = 500
"""The oldest are dropped: versions change, and networks are tried once."""
MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class StepKey:
    """What the time of a training step depends on."""

    network: str
    image_size: int
    batch_size: int
    precision: str
    frontier: str
    """The first layer that is computed; empty where all are."""
    trainable_parameters: int
    device: str
    """The device's own name."""
    backend: str
    """Keras and what computes, with their versions."""

    @property
    def trains(self) -> str:
        """What tells a step of a run from the others of that run."""
        start = f" from {self.frontier}" if self.frontier else ""
        return f"{self.trainable_parameters:,} parameters{start}"


@dataclass(frozen=True, slots=True)
class StepTiming:
    """The milliseconds of a training step."""

    step: StepKey
    milliseconds: float
    """Without XLA."""
    xla_milliseconds: float
    """With XLA."""

    @property
    def uses_xla(self) -> bool:
        """Whether it is faster with XLA."""
        return self.xla_milliseconds < self.milliseconds

    @property
    def words(self) -> str:
        """Both times, and which counts."""
        used = "with XLA" if self.uses_xla else "without XLA"
        times = f"{self.milliseconds:.2f} ms a step without XLA, {self.xla_milliseconds:.2f}"
        return f"{times} ms a step with it: {used}"


@dataclass(frozen=True, slots=True)
class _File:
    format: int
    timings: tuple[StepTiming, ...]


def timings_path() -> Path:
    """Return where they are remembered; may be missing."""
    return features_root() / FILE_NAME


def remembered() -> tuple[StepTiming, ...]:
    """Return all that is remembered, the newest last; nothing where the file is broken."""
    try:
        plain = json.loads(read_regular(timings_path(), MOST_BYTES))
        file: _File = from_plain(_File, plain)
    except (OSError, ValueError, RecursionError, InputError):
        return ()
    return tuple(each for each in file.timings if _is_time(each)) if file.format == FORMAT else ()


def _is_time(timing: StepTiming) -> bool:
    times = (timing.milliseconds, timing.xla_milliseconds)
    return all(math.isfinite(time) and time > 0 for time in times)


def recall(step: StepKey) -> StepTiming | None:
    """Return what is remembered of a step; None where it was not measured."""
    return next((each for each in reversed(remembered()) if each.step == step), None)


def remember(timing: StepTiming) -> None:
    """Add a timing, in place of an earlier one of the same step.

    Raises:
        OSError: the file cannot be written.
    """
    others = [each for each in remembered() if each.step != timing.step]
    kept = (*others, timing)[-MOST_KEPT:]
    path = timings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as aside:
        aside.write_text(json.dumps(to_plain(_File(FORMAT, kept)), indent=1), encoding="utf-8")
