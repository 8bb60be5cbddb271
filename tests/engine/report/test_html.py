"""A report as a page: whole, on its own, with charts that are where the figures are."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from engine.analysis.evidence import Evidence
from engine.report.document import report_from
from engine.report.html import report_html
from engine.report.svg import Line, curves_chart, pareto_chart
from tests.support.evidence import two_models

EMPTY = {"meta", "rect", "line", "circle", "polyline"}


class Checker(HTMLParser):
    """Checks that every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def with_curves() -> Evidence:
    evidence = two_models()
    best, other = evidence.contenders
    curve = [[10.0, 0.5], [20.0, 0.9]]
    return replace(
        evidence, contenders=(replace(best, row=dict(best.row) | {"curve": curve}), other)
    )


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    text = report_html(report_from(with_curves()))
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert {"svg", "table", "h1", "dl"} <= checker.seen
    assert not checker.seen & {"script", "link", "img", "iframe", "object"}
    assert not checker.attributes & {"src", "href", "onclick", "onload"}
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"https?://|url\(|@import", text)


def test_names_are_escaped() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    evil = replace(other, name="<script>alert(1)</script>", label="<img src=x>")
    text = report_html(report_from(replace(evidence, contenders=(best, evil))))
    assert "<script>" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


def test_without_tested_runs_the_page_has_no_charts() -> None:
    text = report_html(report_from(Evidence()))
    assert "<svg" not in text
    assert "No run has been tested yet" in text


def numbers(element: ElementTree.Element, name: str) -> float:
    return float(element.attrib[name])


def test_the_curve_rises_and_is_named() -> None:
    svg = ElementTree.fromstring(curves_chart([Line("A & B", ((1, 0.5), (2, 0.7)))], "Accuracy"))
    line = svg.find("polyline")
    assert line is not None
    (x0, y0), (x1, y1) = ([float(v) for v in p.split(",")] for p in line.attrib["points"].split())
    assert x1 > x0
    assert y1 < y0  # up is less
    assert "A & B" in [text.text for text in svg.iter("text")]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(1, ["0", "1"]), (3, ["0", "1", "2", "3"]), (25, ["0", "5", "10", "15", "20", "25"])],
)
def test_no_tick_stands_between_two_epochs(epochs: int, expected: list[str]) -> None:
    points = tuple((float(epoch), 0.5) for epoch in range(1, epochs + 1))
    svg = ElementTree.fromstring(curves_chart([Line("a", points)], "Accuracy"))
    bottom = [text for text in svg.iter("text") if text.attrib.get("text-anchor") == "middle"]
    assert [text.text for text in bottom] == [*expected, "epoch"]


def test_the_front_joins_what_nothing_beats() -> None:
    marks = [Line("a", ((100.0, 0.7),)), Line("b", ((200.0, 0.6),)), Line("c", ((300.0, 0.9),))]
    svg = ElementTree.fromstring(pareto_chart(marks, "Front"))
    front = svg.find("polyline")
    assert front is not None
    dots = [(numbers(dot, "cx"), numbers(dot, "cy")) for dot in svg.iter("circle")]
    joined = [tuple(float(v) for v in p.split(",")) for p in front.attrib["points"].split()]
    assert joined == [dots[0], dots[2]]


def test_names_do_not_lie_over_each_other() -> None:
    marks = [Line(f"run {i}", ((100.0 + i, 0.7),)) for i in range(12)]
    svg = ElementTree.fromstring(pareto_chart(marks, "Front"))
    heights = sorted(
        numbers(text, "y") for text in svg.iter("text") if text.attrib["class"] == "name"
    )
    assert min(b - a for a, b in itertools.pairwise(heights)) >= 15.9
    assert heights[0] > 0
    assert heights[-1] < 340


@pytest.mark.parametrize(
    "points", [(), ((1, float("nan")),), ((0.0, 0.5),)], ids=["none", "nan", "no time"]
)
def test_without_a_point_there_is_no_chart(points: tuple[tuple[float, float], ...]) -> None:
    assert pareto_chart([Line("a", points)], "Front") == ""
    if points != ((0.0, 0.5),):
        assert curves_chart([Line("a", points)], "Accuracy") == ""
