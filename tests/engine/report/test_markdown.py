"""A report as Markdown: its parts, and what hostile names do to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.analysis.evidence import Evidence
from engine.analysis.predictions import Predictions
from engine.report.document import report_from
from engine.report.markdown import report_markdown
from tests.support.evidence import two_models


def test_a_report_has_its_parts_in_order() -> None:
    text = report_markdown(report_from(two_models()))
    titles = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    assert titles == [
        "Transfer learning compared on CIFAR-10",
        "Setting",
        "Ranking",
        "1. Which model achieved the highest accuracy?",
        "2. Which model trained faster?",
        "3. How does the architecture explain the difference?",
        "How fair is the comparison?",
        "Time",
        "Training",
        "Architecture",
        "Is the difference significant?",
        "Method",
    ]
    assert text.count("**Measured.**") == 3
    assert text.endswith("\n")


def test_every_table_has_as_many_cells_in_each_line() -> None:
    blocks = report_markdown(report_from(two_models())).split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) == 5
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_the_best_runs_classes_are_listed_with_its_calibration() -> None:
    labels = np.array([0, 0, 1, 1])
    shares = np.array([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9], [0.3, 0.7]], np.float32)
    evidence = two_models()
    best = replace(evidence.contenders[0], class_names=("cat", "dog"))
    contenders = (best, *evidence.contenders[1:])
    made = replace(evidence, contenders=contenders, predictions=Predictions(labels, shares))
    text = report_markdown(report_from(made))
    assert "| cat | 2 | 0.5000 | dog (1) |" in text
    assert "| dog | 2 | 1.0000 | – |" in text
    assert "with a mean confidence of 0.7500 at an accuracy of 0.7500" in text


def test_without_tested_runs_there_are_three_sentences_and_no_table() -> None:
    text = report_markdown(report_from(Evidence(unranked=1)))
    assert text.count("one run has started, but none reached its test") == 3
    assert "|" not in text


def test_names_that_are_markup_stay_text() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    evil = replace(other, name="<b>x|y</b>", label="<b>x|y</b>")
    text = report_markdown(report_from(replace(evidence, contenders=(best, evil))))
    table = next(line for line in text.splitlines() if line.startswith("| <b>") or "x\\|y" in line)
    assert "x\\|y" in table
    assert "followed with" in text
    assert "<b>x|y</b> came" not in text
