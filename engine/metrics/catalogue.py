"""The table: every metric of the final test, how it is measured and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.common.text import accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Measure = Callable[[NDArray[np.int64], NDArray[np.float32]], float | None]

TOP = 5
"""Classes among which the right one counts for the top-5 accuracy."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a tested run."""

    key: str
    """In records, and of its column in the ranking."""
    title: str
    """A word or two, for lines and the head of a column."""
    measure: Measure
    """Of the labels (images,) and the probabilities (images, classes); None where it has no
    meaning for them."""
    text: Callable[[float | None], str] = accuracy
    """How a value is written."""
    is_high_first: bool = True
    """Whether the largest value is the best."""


def top5_accuracy(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float | None:
    """Return the share with the right class among the five most probable; None of five or fewer."""
    import numpy as np

    if probabilities.shape[1] <= TOP:
        return None
    best = np.argpartition(-probabilities, TOP, axis=1)[:, :TOP]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())


METRICS: tuple[Metric, ...] = (Metric("top5_accuracy", "top-5", top5_accuracy),)
"""In the order in which they are shown."""


class Measured(Protocol):
    """An event or a summary that holds metrics."""

    @property
    def top5_accuracy(self) -> float | None:
        """The one that was recorded before there was a table, in a field of its own."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """The others by key, those that are no longer in the table among them."""


def measure_all(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Measure all that has a meaning for these predictions, by key."""
    found = {metric.key: metric.measure(labels, probabilities) for metric in METRICS}
    return {key: value for key, value in found.items() if value is not None}


def as_recorded(measured: Mapping[str, float]) -> dict[str, Any]:
    """Return the fields of a record that hold these metrics, see `Measured`."""
    others = {key: value for key, value in measured.items() if key != "top5_accuracy"}
    return {"top5_accuracy": measured.get("top5_accuracy"), "metrics": others}


def values_of(record: Measured) -> dict[str, float | None]:
    """Return each metric of the table in a record of any age, None where it is not known."""
    found = {**record.metrics, "top5_accuracy": record.top5_accuracy}
    return {metric.key: found.get(metric.key) for metric in METRICS}


def texts_of(record: Measured) -> list[str]:
    """Return `top-5 0.9954` for each metric that is known."""
    values = values_of(record)
    known = [metric for metric in METRICS if values[metric.key] is not None]
    return [f"{metric.title} {metric.text(values[metric.key])}" for metric in known]
