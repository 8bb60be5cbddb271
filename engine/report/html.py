"""A report as one HTML file, without scripts or external files, with charts as inline SVG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from engine.analysis.evidence import Measured
from engine.analysis.grammar import listed
from engine.common.text import known
from engine.report.document import Report, Section, sections
from engine.report.evidence_tables import Table
from engine.report.svg import Line, curves_chart, pareto_chart

STYLE = """
:root { color-scheme: light dark; --back: #fbfcfd; --text: #1e2630; --quiet: #5b6878;
  --rule: #d5dce4; --band: #f0f3f6; --front: #1e2630;
  --c0: #0b6ea8; --c1: #b86800; --c2: #24803a; --c3: #8a4bb0;
  --c4: #bf2f3a; --c5: #00807c; --c6: #7a6a00; --c7: #5b6878; }
@media (prefers-color-scheme: dark) { :root { --back: #10141a; --text: #d6dce5; --quiet: #93a0b0;
  --rule: #33404f; --band: #171e27; --front: #d6dce5;
  --c0: #5cb8e6; --c1: #f2b45c; --c2: #7fcf8f; --c3: #c79be8;
  --c4: #f0717a; --c5: #58d0c8; --c6: #d8cc5a; --c7: #93a0b0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.2rem 4rem; max-width: 62rem; background: var(--back);
  color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
p, li { max-width: 46rem; }
code { font-size: .92em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 1rem 0; }
dt, .quiet, figcaption { color: var(--quiet); } dd { margin: 0; }
.kind { font-weight: 600; margin-right: .3em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--rule); }
th { color: var(--quiet); font-weight: 600; } tbody tr:nth-child(even) { background: var(--band); }
th.words, td.words { text-align: left; }
figure { margin: 1.2rem 0; } svg { width: 100%; height: auto; max-width: 54rem; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; } svg .tick { fill: var(--quiet); }
.grid { stroke: var(--rule); } .axis { stroke: var(--quiet); }
.line { fill: none; stroke-width: 2; } .front { fill: none; stroke: var(--front);
  stroke-width: 1.2; stroke-dasharray: 3 4; }
"""
_COLORS = "\n".join(
    f".line.c{i} {{ stroke: var(--c{i}); }} .dot.c{i}, .fill.c{i} {{ fill: var(--c{i}); }}"
    for i in range(8)
)


def report_html(report: Report) -> str:
    """Make the whole page, readable light and dark."""
    title = escape(report.title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}{_COLORS}\n</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n" + "\n".join(_body(report)) + "\n</body>\n</html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    labels = [run.label for run in report.evidence.contenders] or ["no tested runs"]
    yield f'<p class="quiet">{escape(listed(labels))}</p>'
    if report.setting:
        items = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in report.setting)
        yield f"<dl>{''.join(items)}</dl>"
    for place, (heading, section) in enumerate(sections(report)):
        yield f"<h2>{escape(heading)}</h2>"
        yield from _section(section)
        if place == 0:
            yield from _charts(report)


def _section(section: Section) -> Iterator[str]:
    if isinstance(section, Table):
        yield from _table(section)
    elif isinstance(section, dict):
        for kind, text in section.items():
            yield f'<p><span class="kind">{kind}</span> {_prose(text)}</p>'
    else:
        yield "<ul>" + "".join(f"<li>{_prose(sentence)}</li>" for sentence in section) + "</ul>"


def _charts(report: Report) -> Iterator[str]:
    runs = report.evidence.measured
    curves = [Line(run.label, tuple(_by_epoch(run))) for run in runs]
    timed = [(run, run.train_seconds) for run in runs if run.train_seconds is not None]
    marks = [Line(run.label, ((seconds, run.accuracy),)) for run, seconds in timed]
    for draw, lines, caption in (
        (curves_chart, curves, "Validation accuracy by epoch"),
        (
            pareto_chart,
            marks,
            "Test accuracy against training time; what lies on the dashed line is beaten by no "
            "other run in both",
        ),
    ):
        if chart := draw(lines, caption):
            yield f"<figure>\n{chart}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"


def _by_epoch(run: Measured) -> Iterator[tuple[float, float]]:
    for epoch, point in enumerate(run.row.get("curve") or (), 1):
        if len(point) == 2 and known(point[1]):
            yield float(epoch), float(point[1])


def _table(table: Table) -> Iterator[str]:
    def row(cells: tuple[str, ...], tag: str) -> str:
        marks = (' class="words"' if i < table.text_columns else "" for i in range(len(cells)))
        return "".join(f"<{tag}{m}>{escape(c)}</{tag}>" for m, c in zip(marks, cells, strict=True))

    rows = "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in table.rows)
    yield (
        f'<div class="scroll"><table>\n<thead><tr>{row(table.columns, "th")}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )
    if table.note:
        yield f'<p class="quiet">{escape(table.note)}</p>'


def _prose(text: str) -> str:
    """Escape a text, with the parts between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
