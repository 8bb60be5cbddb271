"""A report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.report.document import Report
from engine.report.evidence_tables import Table


def report_markdown(report: Report) -> str:
    """Make the whole report, with a final newline."""
    return "\n".join(_lines(report)).rstrip("\n") + "\n"


def markdown_table(table: Table) -> str:
    """Make a table without its title."""
    columns = [table.columns[0] or "#", *table.columns[1:]]
    marks = [":--" if i < table.text_columns else "--:" for i in range(len(columns))]
    lines = [_line(columns), f"|{'|'.join(marks)}|"]
    return "\n".join([*lines, *(_line(row) for row in table.rows)])


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {_plain(report.title)}", "")
    if report.setting:
        yield from ("## Setting", "")
        yield from (f"- {name}: {_plain(value)}" for name, value in report.setting)
        yield ""
    for table in report.tables[:1]:
        yield from _titled(table)
    for number, answer in enumerate(report.answers.questions, 1):
        yield from (f"## {number}. {answer.question}", "")
        if answer.measured:
            yield from (f"**Measured.** {_plain(' '.join(answer.measured))}", "")
        if answer.explanation:
            yield from (f"**Explanation.** {_plain(' '.join(answer.explanation))}", "")
    if report.answers.warnings:
        yield from ("## How fair is the comparison?", "")
        yield from (f"- {_plain(warning)}" for warning in report.answers.warnings)
        yield ""
    for table in report.tables[1:]:
        yield from _titled(table)
    if report.classes is not None:
        yield from _titled(report.classes)
        yield from (report.calibration, "")
    if report.notes:
        yield from ("## Method", "")
        yield from (f"- {note}" for note in report.notes)


def _titled(table: Table) -> Iterator[str]:
    yield from (f"## {_plain(table.title)}", "", markdown_table(table), "")
    if table.note:
        yield from (table.note, "")


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |"


def _plain(text: str) -> str:
    """Escape a text, so that Markdown does not take names for markup or HTML."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
