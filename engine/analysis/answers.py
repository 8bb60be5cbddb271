"""The exercise's three questions, answered in full sentences from the measured runs.

Every number in them is also in a table of the report, in the same form.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engine.analysis.evidence import Evidence, gather
from engine.analysis.explanation import (
    architecture_facts,
    explain_accuracy,
    explain_difference,
    explain_speed,
)
from engine.analysis.fairness import unfair
from engine.analysis.grammar import counted
from engine.analysis.measurements import compare_accuracies, compare_speeds

QUESTIONS = (
    "Which model achieved the highest accuracy?",
    "Which model trained faster?",
    "How does the architecture explain the difference?",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One question and its sentences."""

    question: str
    measured: tuple[str, ...]
    """What the runs show."""
    explanation: tuple[str, ...]
    """What may explain it; no run proves it."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The three questions answered, and what makes the comparison unfair."""

    questions: tuple[Answer, ...]
    warnings: tuple[str, ...]


def answer(runs_dir: Path, dataset: str = "", only: Collection[str] = ()) -> Answers:
    """Answer from the runs that `gather` chooses; if none was tested the answers say so."""
    return answers_from(gather(runs_dir, dataset, only))


def answers_from(evidence: Evidence) -> Answers:
    """Answer from evidence that is already read."""
    if not evidence.contenders:
        return _no_answers(evidence)
    parts = (
        (compare_accuracies(evidence), explain_accuracy(evidence)),
        (compare_speeds(evidence), explain_speed(evidence)),
        (architecture_facts(evidence), explain_difference(evidence)),
    )
    questions = (
        Answer(question, tuple(measured), tuple(explanation))
        for question, (measured, explanation) in zip(QUESTIONS, parts, strict=True)
    )
    return Answers(tuple(questions), tuple(unfair(evidence)))


def _no_answers(evidence: Evidence) -> Answers:
    nothing = "No run has been tested yet, so there is nothing to compare"
    if evidence.ensembles:
        nothing = "Only ensembles have been tested here, so there is no model to compare"
    if evidence.unranked:
        runs = counted(evidence.unranked, "run")
        verb = "has" if evidence.unranked == 1 else "have"
        nothing += f": {runs} {verb} started, but none reached its test"
    sentence = f"{nothing}. `cifar-tui train CustomCNN EfficientNetLite0` trains two models."
    return Answers(tuple(Answer(question, (sentence,), ()) for question in QUESTIONS), ())
