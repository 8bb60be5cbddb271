"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from engine.report.document import Report, Section, sections
from engine.report.evidence_tables import Table
from engine.report.table import markdown_table, plain


def report_markdown(report: Report) -> str:
    """Make the whole report, with a final newline."""
    return "\n".join(_lines(report)).rstrip("\n") + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {plain(report.title)}", "")
    if report.setting:
        setting = tuple(f"{name}: {value}" for name, value in report.setting)
        yield from ("## Setting", "", *_section(setting), "")
    for heading, section in sections(report):
        yield from (f"## {plain(heading)}", "", *_section(section), "")


def _section(section: Section) -> Iterator[str]:
    if isinstance(section, Table):
        right = [place >= section.text_columns for place in range(len(section.columns))]
        yield markdown_table(section.columns, section.rows, right)
        if section.note:
            yield from ("", section.note)
    elif isinstance(section, dict):
        yield "\n\n".join(f"**{kind}** {plain(text)}" for kind, text in section.items())
    else:
        yield from (f"- {plain(sentence)}" for sentence in section)
