"""The tables of a report: every number that its sentences use is in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.analysis.comparison import McNemar, p_text
from engine.analysis.evidence import Evidence, Measured
from engine.analysis.explanation import TOP1_DECIMALS
from engine.analysis.grammar import counted, interval, points, share_text, times
from engine.analysis.predictions import (
    Predictions,
    calibration,
    class_accuracies,
    class_names,
    confusion,
)
from engine.common.text import MISSING, Row, accuracy, count, duration, known, percent, whole
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


Cells = Sequence[tuple[str, Callable[[Any], str]]]
"""The titles of columns, each with the text of a cell."""


def evidence_tables(evidence: Evidence) -> tuple[Table, ...]:
    """Make all tables of a report, in order; none if nothing was tested."""
    if not evidence.contenders:
        return ()
    tables = [
        _ranking(evidence),
        _time(evidence),
        _table("Training", _TRAINING, evidence.measured, 4),
        _architecture(evidence),
    ]
    if evidence.pairs:
        tables.append(_table("Is the difference significant?", _PAIRS, evidence.pairs))
    if evidence.predictions is not None:
        tables.append(_classes(evidence.contenders[0], evidence.predictions))
    return tuple(tables)


def _classes(best: Measured, predictions: Predictions) -> Table:
    names = class_names(best.class_names, predictions.classes)
    matrix = confusion(predictions)
    rows = []
    for i, (name, share) in enumerate(zip(names, class_accuracies(predictions), strict=True)):
        wrong = [(int(matrix[i, j]), -j) for j in range(len(names)) if j != i]
        most, place = max(wrong)
        mistaken = f"{names[-place]} ({whole(most)})" if most else MISSING
        images = int(matrix[i].sum())
        rows.append((name, whole(images), accuracy(float(share)), mistaken))
    columns = ("class", "images", "accuracy", "most often taken for")
    title = f"Accuracy by class: {best.label}"
    return Table(title, columns, tuple(rows), note=_calibration(predictions))


def _calibration(predictions: Predictions) -> str:
    error = calibration(predictions).ece
    confidence = float(predictions.probabilities.max(axis=1).mean())
    right = float((predictions.predicted == predictions.labels).mean())
    if accuracy(confidence) == accuracy(right):
        tends = "as confident as it is accurate"
    else:
        tends = "overconfident" if confidence > right else "underconfident"
    return (
        f"Its expected calibration error is {error:.4f}: on average it is {tends}, with a mean "
        f"confidence of {confidence:.4f} at an accuracy of {right:.4f}."
    )


def _table(
    title: str, cells: Cells, items: Iterable[Any], text_columns: int = 1, note: str = ""
) -> Table:
    rows = tuple(tuple(text(item) for _, text in cells) for item in items)
    return Table(title, tuple(name for name, _ in cells), rows, text_columns, note)


def _ranking(evidence: Evidence) -> Table:
    top = float(evidence.rows[0]["test_accuracy"])
    rows = enumerate(evidence.rows[:MOST_ROWS], 1)
    shown = [{**row, "place": place} for place, row in rows]
    cells: Cells = (
        ("#", lambda row: str(row["place"])),
        ("model", model_label),
        ("recipe", lambda row: str(row["recipe"])),
        ("status", lambda row: str(row["status"])),
        ("test acc", lambda row: accuracy(row["test_accuracy"])),
        ("95 % interval", lambda row: interval(row) or MISSING),
        (
            "points behind",
            lambda row: points(top - row["test_accuracy"]) if row["place"] > 1 else MISSING,
        ),
        ("val acc", lambda row: accuracy(row["val_accuracy"])),
        ("images tested", lambda row: whole(row.get("test_images"))),
        ("train", lambda row: duration(row["train_seconds"])),
        ("epochs", _epochs),
        ("seed", lambda row: str(row["seed"])),
    )
    left = len(evidence.rows) - len(shown)
    note = f"Not in this table: {counted(left, 'more run')}." if left else ""
    return _table("Ranking", cells, shown, 4, note)


def _epochs(row: Row) -> str:
    """The number of epochs, and the one whose weights were tested if it is not the last."""
    epochs, kept = row["epochs"], row.get("kept_epoch")
    return whole(epochs) + (f", kept {kept}" if known(kept) and kept != epochs else "")


def _of_row(key: str, form: Callable[[Any], str]) -> Callable[[Measured], str]:
    return lambda run: form(run.row.get(key))


def _time(evidence: Evidence) -> Table:
    timed = evidence.timed
    least = (timed[0].train_seconds or 0.0) if timed else 0.0

    def as_long(run: Measured) -> str:
        is_comparable = least > 0 and run.train_seconds is not None
        return times((run.train_seconds or 0.0) / least) if is_comparable else MISSING

    cells: Cells = (
        _RUN,
        ("train", _of_row("train_seconds", duration)),
        ("relative", as_long),
        ("wall", _of_row("wall_seconds", duration)),
        ("extraction", _of_row("extracting_seconds", duration)),
        (
            "extraction share",
            lambda run: share_text(run.row.get("extracting_seconds"), run.train_seconds) or MISSING,
        ),
        ("tracing", _of_row("tracing_seconds", duration)),
        ("training", _of_row("training_seconds", duration)),
        ("validation", _of_row("validating_seconds", duration)),
        ("test", _of_row("testing_seconds", duration)),
        ("to 0.80", _of_row("to_80", duration)),
        ("to 0.85", _of_row("to_85", duration)),
        ("img/s", _of_row("images_per_second", whole)),
    )
    note = f"Relative to the train time of {timed[0].label}." if timed else ""
    return _table("Time", cells, evidence.measured, note=note)


_RUN: tuple[str, Callable[[Measured], str]] = ("run", lambda run: run.label)
_TRAINING: Cells = (
    _RUN,
    ("what trained", _of_row("timeline", lambda text: str(text or MISSING))),
    ("computed from", lambda run: ", ".join(filter(None, run.frontiers)) or MISSING),
    ("weights", _of_row("weights", str)),
    ("px", _of_row("image_size", whole)),
    ("batch", _of_row("batch_size", whole)),
    ("images", lambda run: _train_images(run)),
    ("trainable", _of_row("trainable_parameters", count)),
    ("parameters", _of_row("parameters", count)),
    (
        "trainable share",
        lambda run: share_text(run.row["trainable_parameters"], run.row["parameters"]) or MISSING,
    ),
)


def _train_images(run: Measured) -> str:
    """How many images, and of how many the user asked for: the rest was held out."""
    limit, images = run.row.get("train_limit"), run.train_images
    if images is None:
        return whole(limit) if known(limit) else "all"
    return whole(images) + (f" (of the first {whole(limit)})" if known(limit) else "")


def _architecture(evidence: Evidence) -> Table:
    described = evidence.described
    least = min((network.flops for _, network in described), default=0)

    def its(name: str, form: Callable[[Any], str] = whole) -> Callable[[Any], str]:
        return lambda entry: form(getattr(entry[1], name))

    cells: Cells = (
        ("run", lambda entry: str(entry[0].label)),
        ("parameters", its("parameters", count)),
        ("depth", its("depth")),
        ("FLOPs", its("flops", count)),
        ("relative FLOPs", its("flops", lambda n: times(n / least) if least else MISSING)),
        ("px", its("image_size")),
        ("ImageNet top-1", its("imagenet_top1", lambda x: accuracy(x, TOP1_DECIMALS))),
        ("convolutions", its("convolutions")),
        ("depthwise", its("depthwise")),
        ("depthwise share", its("depthwise_share", lambda x: percent(x and 100 * x))),
        ("residual additions", its("additions")),
        ("concatenations", its("concatenations")),
        ("squeeze-excite", its("squeeze_excite")),
        ("BatchNorm", its("batch_normalizations")),
    )
    return _table("Architecture", cells, described)


_PAIRS: Cells = (
    ("first and second", lambda pair: f"{pair.best.label} and {pair.other.label}"),
    ("images", lambda pair: whole(pair.test and pair.test.images)),
    ("only the first right", lambda pair: whole(pair.test and pair.test.only_a)),
    ("only the second right", lambda pair: whole(pair.test and pair.test.only_b)),
    ("McNemar", lambda pair: p_text(pair.test.p_value) if pair.test else MISSING),
    ("significant", lambda pair: _verdict(pair.test)),
)


def _verdict(test: McNemar | None) -> str:
    if test is None:
        return "not known"
    return "yes" if test.is_significant else "no"
