"""The tables of a report: every number that its sentences use is in one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.analysis.comparison import p_text
from engine.analysis.evidence import Evidence, Measured, Row
from engine.analysis.explanation import top1_text
from engine.analysis.grammar import known, points, share_text, times
from engine.common.text import MISSING, accuracy, count, duration, percent, whole
from engine.report.table import model_label

MOST_ROWS = 50
"""Rows of the ranking in a report; `cifar-tui rank` has them all."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as people read them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    """How many columns on the left are text; the others are numbers."""
    note: str = ""
    """A sentence below it."""


Cells = Sequence[tuple[str, Callable[[Measured], str]]]


def evidence_tables(evidence: Evidence) -> tuple[Table, ...]:
    """Make all tables of a report, in order; none if nothing was tested."""
    if not evidence.contenders:
        return ()
    tables = [
        _ranking(evidence),
        _time(evidence),
        _table("Training", _TRAINING, evidence.measured, text_columns=4),
        _architecture(evidence),
    ]
    if evidence.pairs:
        tables.append(_pairs(evidence))
    return tuple(tables)


def class_table(evidence: Evidence) -> Table | None:
    """Make the table of the best run's accuracy by class; None without its predictions."""
    from engine.analysis.predictions import class_accuracies, confusion

    best, predictions = evidence.best, evidence.predictions
    if best is None or predictions is None:
        return None
    names = best.class_names
    if len(names) != predictions.classes:
        names = tuple(f"class {i}" for i in range(predictions.classes))
    matrix = confusion(predictions)
    rows = []
    for i, (name, share) in enumerate(zip(names, class_accuracies(predictions), strict=True)):
        wrong = [(int(matrix[i, j]), -j) for j in range(len(names)) if j != i]
        most, place = max(wrong)
        mistaken = f"{names[-place]} ({whole(most)})" if most else MISSING
        images = int(matrix[i].sum())
        rows.append((name, whole(images), accuracy(float(share)), mistaken))
    columns = ("class", "images", "accuracy", "most often taken for")
    return Table(f"Accuracy by class: {best.label}", columns, tuple(rows))


def _ranking(evidence: Evidence) -> Table:
    top = float(evidence.rows[0]["test_accuracy"])
    shown = evidence.rows[:MOST_ROWS]
    rows = tuple(_ranking_cells(place, row, top) for place, row in enumerate(shown, 1))
    columns = (
        *("", "model", "recipe", "status", "test acc", "95 % interval", "points behind"),
        *("val acc", "images tested", "train", "epochs", "seed"),
    )
    left = len(evidence.rows) - len(shown)
    note = f"{whole(left)} further runs are left out of this table." if left else ""
    return Table("Ranking", columns, rows, 4, note)


def _ranking_cells(place: int, row: Row, top: float) -> tuple[str, ...]:
    low, high = row.get("accuracy_low"), row.get("accuracy_high")
    is_known = known(low) and known(high)
    return (
        str(place),
        model_label(row),
        str(row["recipe"]),
        str(row["status"]),
        accuracy(row["test_accuracy"]),
        f"{accuracy(low)} to {accuracy(high)}" if is_known else MISSING,
        MISSING if place == 1 else points(top - row["test_accuracy"]),
        accuracy(row["val_accuracy"]),
        whole(row.get("test_images")),
        duration(row["train_seconds"]),
        _epochs(row),
        str(row["seed"]),
    )


def _epochs(row: Row) -> str:
    """The number of epochs, and the one whose weights were tested if it is not the last."""
    epochs, kept = row["epochs"], row.get("kept_epoch")
    return whole(epochs) + (f", kept {kept}" if known(kept) and kept != epochs else "")


def _table(
    title: str, cells: Cells, runs: Sequence[Measured], *, text_columns: int = 1, note: str = ""
) -> Table:
    columns = ("run", *(name for name, _ in cells))
    rows = tuple((run.label, *(text(run) for _, text in cells)) for run in runs)
    return Table(title, columns, rows, text_columns, note)


def _seconds(key: str) -> Callable[[Measured], str]:
    return lambda run: duration(run.row.get(key))


def _extraction_share(run: Measured) -> str:
    return share_text(run.row.get("extracting_seconds"), run.train_seconds) or MISSING


def _time(evidence: Evidence) -> Table:
    timed = evidence.timed
    least = (timed[0].train_seconds or 0.0) if timed else 0.0

    def as_long(run: Measured) -> str:
        is_comparable = least > 0 and run.train_seconds is not None
        return times((run.train_seconds or 0.0) / least) if is_comparable else MISSING

    (train, rest) = _TIME[0], _TIME[1:]
    note = f"Relative to the training of {timed[0].label}." if timed else ""
    return _table("Time", (train, ("relative", as_long), *rest), evidence.measured, note=note)


_TIME: Cells = (
    ("train", _seconds("train_seconds")),
    ("wall", _seconds("wall_seconds")),
    ("extraction", _seconds("extracting_seconds")),
    ("extraction share", _extraction_share),
    ("tracing", _seconds("tracing_seconds")),
    ("training", _seconds("training_seconds")),
    ("validation", _seconds("validating_seconds")),
    ("test", _seconds("testing_seconds")),
    ("to 80 %", _seconds("to_80")),
    ("to 85 %", _seconds("to_85")),
    ("img/s", lambda run: whole(run.row["images_per_second"])),
)


_TRAINING: Cells = (
    ("what trained", lambda run: str(run.row.get("timeline") or MISSING)),
    ("computed from", lambda run: ", ".join(filter(None, run.frontiers)) or MISSING),
    ("weights", lambda run: str(run.row["weights"])),
    ("px", lambda run: whole(run.row["image_size"])),
    ("batch", lambda run: whole(run.row["batch_size"])),
    ("images", lambda run: whole(run.row["train_limit"]) if _limit(run) else "all"),
    ("trainable", lambda run: count(run.row["trainable_parameters"])),
    ("of", lambda run: count(run.row["parameters"])),
    (
        "trainable share",
        lambda run: share_text(run.row["trainable_parameters"], run.row["parameters"]) or MISSING,
    ),
)


def _limit(run: Measured) -> bool:
    return known(run.row["train_limit"])


def _architecture(evidence: Evidence) -> Table:
    runs = [run for run in evidence.contenders if run.architecture is not None]
    least = min((run.architecture.flops for run in runs if run.architecture), default=0)
    columns = (
        *("run", "parameters", "depth", "FLOPs", "times the least", "px", "ImageNet top-1"),
        *("convolutions", "depthwise", "depthwise share", "residual additions", "concatenations"),
        *("squeeze-excite", "BatchNorm"),
    )
    return Table("Architecture", columns, tuple(_architecture_cells(run, least) for run in runs))


def _architecture_cells(run: Measured, least: int) -> tuple[str, ...]:
    network = run.architecture
    assert network is not None
    share = network.depthwise_share
    return (
        run.label,
        count(network.parameters),
        whole(network.depth),
        count(network.flops),
        times(network.flops / least) if least else MISSING,
        whole(network.image_size),
        top1_text(network.imagenet_top1),
        whole(network.convolutions),
        whole(network.depthwise),
        percent(100 * share if share is not None else math.nan),
        whole(network.additions),
        whole(network.concatenations),
        whole(network.squeeze_excite),
        whole(network.batch_normalizations),
    )


def _pairs(evidence: Evidence) -> Table:
    rows = []
    for pair in evidence.pairs:
        names = f"{pair.best.label} and {pair.other.label}"
        if pair.test is None:
            rows.append((names, MISSING, MISSING, MISSING, MISSING, "not known"))
            continue
        test = pair.test
        verdict = "yes" if test.is_significant else "no"
        figures = (whole(test.images), whole(test.only_a), whole(test.only_b))
        rows.append((names, *figures, p_text(test.p_value), verdict))
    columns = (
        *("first and second", "images", "only the first right", "only the second right"),
        *("McNemar", "more than chance"),
    )
    return Table("Is the difference chance?", columns, tuple(rows))
