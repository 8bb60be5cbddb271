"""What holds a training back, in a word, with the figures behind it and what to do about it.

The verdicts rest on what a record holds: the seconds of phases and epochs, the gaps between steps
and the readings of the machine. On a CPU the gaps show whether a step waits for its input, on a GPU
its idle time does. The thresholds are rules of thumb.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.common.text import short_duration
from engine.protocol.events import EpochEnded
from engine.state.snapshot import RunSnapshot
from engine.state.step_times import times_of

LEAST_READINGS = 3
"""Fewer readings of the machine than these show nothing."""
LEAST_EPOCH_SECONDS = 3.0
"""Of an epoch with its validation; what takes less is not worth a change."""
LEAST_STEPS = 8
"""Steps of the current epoch, below which the earlier epochs are the better measure."""
FULL_MEMORY_PERCENT = 92.0
EXTRACTION_SHARE = 0.5
"""Of the seconds counted as training."""
VALIDATION_SHARE = 0.35
"""Of an epoch with its validation."""
IDLE_GPU_PERCENT = 50.0
INPUT_SHARE = 0.4
"""Of a step, waiting for its batch. Measured on two cores: 0.01 to 0.04 of steps that compute, up
to 0.26 of a head's on kept features, 0.56 and more where the features came from a slow disk."""
_RECORDED_EVERY_SECONDS = 5.0
_LAST_EPOCHS = 3
_SLOWED_DOWN = ("thermal", "hardware")
"""Limits of the clocks that are a fault; a GPU at its power limit works as designed."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What holds a training back."""

    word: str
    """`input-bound`."""
    figures: str
    """`validation takes 41 % of an epoch`."""
    advice: str
    """What to do, briefly, with options in backticks; empty where only a faster machine helps."""
    basis: str = ""
    """What the figures are computed from: `4.0 s of 10 s`."""

    @property
    def forms(self) -> tuple[str, ...]:
        """The line, ever shorter: all of it, without advice, only the figures, only the word."""
        brief = f"{self.word}: {self.figures}"
        told = f"{brief} ({self.basis})" if self.basis else brief
        whole = f"{told}; {self.advice}" if self.advice else told
        return tuple(dict.fromkeys((whole, told, brief, self.word)))


def find_bottleneck(run: RunSnapshot) -> Bottleneck | None:
    """Find what holds this run back most, or did; None while too little is measured."""
    held = _throttled(run) or _full_memory(run) or _extraction(run)
    if held is not None or 0 < sum(_epoch_seconds(run)) < LEAST_EPOCH_SECONDS:
        return held
    return _validation(run) or _idle_gpu(run) or _input(run) or _computation(run)


def _throttled(run: RunSnapshot) -> Bottleneck | None:
    place = _gpu_place(run)
    gpu = run.hardware.gpus[place] if run.hardware and place is not None else None
    if gpu is None or gpu.throttled not in _SLOWED_DOWN:
        return None
    figures = f"{gpu.throttled} limit holds its clocks down"
    if gpu.temperature_celsius is not None:
        figures += f" at {gpu.temperature_celsius:.0f} °C"
    elif gpu.power_watts is not None:
        figures += f" at {gpu.power_watts:.0f} W"
    return Bottleneck("throttled GPU", figures, "see to its cooling and its power supply")


def _full_memory(run: RunSnapshot) -> Bottleneck | None:
    readings = run.hardware_history.memory_percent[-LEAST_READINGS:]
    if run.is_over or len(readings) < LEAST_READINGS or min(readings) < FULL_MEMORY_PERCENT:
        return None
    return Bottleneck(
        "memory-bound",
        f"{readings[-1]:.0f} % of the memory is taken",
        "a smaller `batch_size`, or end what else takes memory",
    )


def _extraction(run: RunSnapshot) -> Bottleneck | None:
    seconds, whole = run.phase_seconds.get("extracting", 0.0), run.train_seconds
    if not run.ended_epochs or seconds < EXTRACTION_SHARE * whole or not whole:
        return None
    return Bottleneck(
        "extraction",
        f"{short_duration(seconds)} of {short_duration(whole)} went into features",
        "the next run with these layers takes them from the cache",
    )


def _validation(run: RunSnapshot) -> Bottleneck | None:
    training, validation = _epoch_seconds(run)
    whole = training + validation
    if not whole or validation < VALIDATION_SHARE * whole:
        return None
    return Bottleneck(
        "validation-heavy",
        f"validation takes {100 * validation / whole:.0f} % of an epoch",
        "hold fewer images out",
        f"{short_duration(validation)} of {short_duration(whole)}",
    )


def _idle_gpu(run: RunSnapshot) -> Bottleneck | None:
    busy = _gpu_percent(run)
    if busy is None or busy >= IDLE_GPU_PERCENT:
        return None
    return Bottleneck(
        "input-bound",
        f"the GPU computes {busy:.0f} % of the time",
        "a larger `batch_size`",
        "it waits for input or launches in the rest",
    )


def _input(run: RunSnapshot) -> Bottleneck | None:
    step, waited = _step(run)
    if step is None or waited is None or waited < INPUT_SHARE * step:
        return None
    is_on_disk = run.features is not None and run.features.held == "disk"
    fewer_crops = "fewer `views`" if run.spec.views > 1 else ""
    return Bottleneck(
        "input-bound",
        _step_words(step, waited),
        "more `feature_memory_gb`" if is_on_disk else fewer_crops,
        f"{100 * waited / step:.0f} % of it",
    )


def _computation(run: RunSnapshot) -> Bottleneck | None:
    busy, (step, waited) = _gpu_percent(run), _step(run)
    if busy is None and run.device.startswith("gpu"):
        return None
    training, validation = _epoch_seconds(run)
    share = 100 * training / (training + validation) if training else 0.0
    told = f"training takes {share:.0f} % of an epoch" if share else ""
    words = [] if step is None else [_step_words(step, waited)]
    words += [] if busy is None else [f"the GPU is {busy:.0f} % busy"]
    if not words:
        return Bottleneck("compute-bound", told, "") if told else None
    return Bottleneck("compute-bound", ", ".join(words), "", told)


def _epoch_seconds(run: RunSnapshot) -> tuple[float, float]:
    """Of training and of validation, means of the last epochs; 0 before the end of the first."""
    last = _last_epochs(run)
    training = sum(epoch.train_seconds for epoch in last) / max(len(last), 1)
    return training, sum(epoch.validation_seconds for epoch in last) / max(len(last), 1)


def _last_epochs(run: RunSnapshot) -> list[EpochEnded]:
    """The last ones of the stage: another stage's steps and epochs take another time."""
    return [epoch for epoch in run.ended_epochs if epoch.stage == run.stage][-_LAST_EPOCHS:]


def _step(run: RunSnapshot) -> tuple[float | None, float | None]:
    """Seconds of a step, and of them those it waits for its batch; None where not measured."""
    if run.step_seconds is not None and run.step >= LEAST_STEPS:
        return run.step_seconds, run.input_wait_seconds
    times = times_of(_last_epochs(run), run.spec.batch_size)
    return times.step_seconds, times.input_wait_seconds


def _step_words(step: float, waited: float | None) -> str:
    words = f"step {short_duration(step)}"
    return words if waited is None else f"{words}, input wait {short_duration(waited)}"


def _gpu_place(run: RunSnapshot) -> int | None:
    """Where the run's GPU stands among the readings; None while it does not train."""
    if run.is_over or run.phase != "training" or run.hardware is None:
        return None
    names = [f"gpu:{gpu.cuda_index}" for gpu in run.hardware.gpus]
    return names.index(run.device) if run.device in names else None


def _gpu_percent(run: RunSnapshot) -> float | None:
    """Mean use of the run's GPU since the present stretch of training began, 0 to 100."""
    place, since, last = _gpu_place(run), run.phase_since, run.last_event_at
    if place is None or since is None or last is None:
        return None
    # A record keeps a reading every five seconds: at least these belong to the stretch.
    count = int((last - since) / _RECORDED_EVERY_SECONDS)
    if count < LEAST_READINGS or place >= len(run.hardware_history.gpu_percent):
        return None
    readings = [x for x in run.hardware_history.gpu_percent[place][-count:] if x is not None]
    return sum(readings) / len(readings) if len(readings) >= LEAST_READINGS else None
