"""The report before it has a format: setting, tables, answers, notes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.analysis.answers import Answers, answers_from
from engine.analysis.evidence import Evidence, Measured
from engine.common.text import known, whole
from engine.config.dataset_names import title
from engine.report.evidence_tables import Table, evidence_tables

TITLE = "Transfer learning compared"
NOTES = (
    "Test accuracy is measured once, at the end of a run, on the whole test split. Its 95 % "
    "interval is the Wilson score interval.",
    "Train time covers extraction, tracing, training and validation. It excludes loading, "
    "downloads, pauses, the final test and the export; wall time includes everything.",
    "Times are in minutes:seconds, or in hours:minutes:seconds.",
    "The time to an accuracy is the train time until the end of the first epoch that reached it "
    "on the validation images.",
    "FLOPs count two operations for each multiply-add of convolutions and dense layers, for one "
    "image at the run's input size. Depth counts the convolutions, depthwise ones included, and "
    "dense layers on the longest path.",
    "McNemar's test uses the images that only one of two models got right: exact binomial for "
    "fewer than 25 such images, otherwise chi-square with continuity correction. A p-value below "
    "0.05 counts as significant.",
    "The expected calibration error is the gap between confidence and accuracy, averaged over 15 "
    "bins of equal width (Guo et al. 2017).",
)


@dataclass(frozen=True, slots=True)
class Report:
    """The content of a report."""

    title: str
    setting: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    answers: Answers
    notes: tuple[str, ...]
    evidence: Evidence


Section = Table | dict[str, str] | tuple[str, ...]
"""A table, paragraphs by the word that each begins with, or sentences to list."""


def report_from(evidence: Evidence) -> Report:
    """Make the report on what was gathered from a folder of runs."""
    data = title(evidence.dataset)
    return Report(
        title=f"{TITLE} on {data}" if data else TITLE,
        setting=tuple(_setting(evidence, data)) if evidence.contenders else (),
        tables=evidence_tables(evidence),
        answers=answers_from(evidence),
        notes=NOTES if evidence.contenders else (),
        evidence=evidence,
    )


def _setting(evidence: Evidence, data: str) -> Iterable[tuple[str, str]]:
    runs = evidence.measured
    yield "data", _data_words(evidence, data)
    combined = f", {whole(evidence.ensembles)} combined from others" if evidence.ensembles else ""
    tested = f"{whole(len(evidence.rows))} tested, {whole(evidence.unranked)} not tested"
    yield "runs", f"{tested}{combined}"
    yield "machine", _each(run.machine for run in runs)
    yield "device", _each(run.device for run in runs)
    yield "software", _each(_versions(run) for run in runs)
    yield "trained", _dates(evidence)


def _data_words(evidence: Evidence, data: str) -> str:
    images = [row["test_images"] for row in evidence.rows if known(row.get("test_images"))]
    best = evidence.best
    classes = f", {whole(len(best.class_names))} classes" if best and best.class_names else ""
    return f"{data}{classes}" + (f", {whole(images[0])} test images" if images else "")


def _versions(run: Measured) -> str:
    names = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}
    return ", ".join(
        f"{shown} {run.versions[name]}" for name, shown in names.items() if name in run.versions
    )


def _dates(evidence: Evidence) -> str:
    days = sorted(
        {time.strftime("%Y-%m-%d", time.localtime(row["created_at"])) for row in evidence.rows}
    )
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _each(texts: Iterable[str]) -> str:
    found = list(dict.fromkeys(text for text in texts if text))
    return "; ".join(found) if found else "not on record"


def sections(report: Report) -> Iterator[tuple[str, Section]]:
    """Return the parts of a report below its setting, each with its heading."""
    yield from ((table.title, table) for table in report.tables[:1])
    for number, answer in enumerate(report.answers.questions, 1):
        parts = {"Measured.": answer.measured, "Explanation.": answer.explanation}
        prose = {kind: " ".join(sentences) for kind, sentences in parts.items() if sentences}
        yield f"{number}. {answer.question}", prose
    if report.answers.warnings:
        yield "How fair is the comparison?", report.answers.warnings
    yield from ((table.title, table) for table in report.tables[1:])
    if report.notes:
        yield "Method", report.notes
