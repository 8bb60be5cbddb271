"""Every number that the sentences of a report use stands in one of its tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from engine.analysis.answers import Answers
from engine.analysis.evidence import Evidence
from engine.report.document import Report, report_from
from tests.support.evidence import MODELS, evidences, two_models

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
BROKEN = re.compile(r"  |None|nan|–|\.\.|, \.| ,|\binf\b|\(\)")
"""What is left where a part of a sentence is missing."""
NAMES = re.compile("|".join(MODELS))


def numbers(texts: Iterable[str]) -> set[str]:
    """The numbers in texts as they are written, those of models' names left out."""
    return {number for text in texts for number in NUMBER.findall(NAMES.sub("", text))}


def sentences(answers: Answers) -> list[str]:
    found = [s for answer in answers.questions for s in (*answer.measured, *answer.explanation)]
    return [*found, *answers.warnings]


def table_texts(report: Report) -> list[str]:
    cells = [cell for table in report.tables for row in table.rows for cell in row]
    headers = [name for table in report.tables for name in table.columns]
    return [*cells, *headers, *(value for _, value in report.setting)]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(evidences())
def test_no_number_is_in_a_sentence_only_and_every_sentence_is_whole(evidence: Evidence) -> None:
    report = report_from(evidence)
    found = sentences(report.answers)
    assert numbers(found) <= numbers(table_texts(report))
    for sentence in found:
        assert sentence.endswith("."), sentence
        assert sentence[0].isupper() or sentence[0].isdigit(), sentence
        assert not BROKEN.search(sentence), sentence


def test_many_runs_bring_no_number_that_no_table_has() -> None:
    evidence = two_models()
    tries = tuple(evidence.rows) + tuple(evidence.rows[-1:]) * 13
    left_out = replace(evidence, unranked=13, ensembles=14)
    for many in (left_out, replace(evidence, rows=tries)):
        report = report_from(many)
        assert numbers(sentences(report.answers)) <= numbers(table_texts(report))
    assert any("many for CustomCNN" in warning for warning in report.answers.warnings)


def test_the_numbers_are_found_where_they_are_wrong() -> None:
    report = report_from(two_models())
    assert numbers(["It took 4:25, 12.5 % of 10,000 at 1.9."]) == {"4:25", "12.5", "10,000", "1.9"}
    assert "0.9332" in numbers(table_texts(report))
    assert numbers(sentences(report.answers)) >= {"0.9332", "0.7596", "1,966", "13:03", "17.4"}
    assert "17.5" not in numbers(table_texts(report))


@pytest.mark.parametrize("model", MODELS)
def test_names_of_models_are_no_numbers(model: str) -> None:
    assert numbers([f"{model} came first."]) == set()
