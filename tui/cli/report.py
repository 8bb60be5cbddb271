"""`cifar-tui report`: answer the exercise's questions from the runs, as Markdown or HTML."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.common.atomic import written_whole
from engine.errors import InputError
from engine.runs.directory import check_runs_dir
from tui.cli.output import use_utf8


def run(arguments: argparse.Namespace) -> int:
    """Print the report, or write it to a file."""
    from engine.analysis.evidence import gather
    from engine.report.document import report_from

    runs_dir: Path = arguments.runs_dir
    check_runs_dir(runs_dir)
    output: Path | None = arguments.output
    if output is not None:
        _check_output(output)
    report = report_from(gather(runs_dir))
    if arguments.html:
        from engine.report.html import report_html as form
    else:
        from engine.report.markdown import report_markdown as form
    text = form(report)
    if output is None:
        use_utf8(sys.stdout)
        sys.stdout.write(text)
        return 0
    with written_whole(output) as aside:
        aside.write_text(text, encoding="utf-8")
    print(f"report: {output.resolve()}")
    return 0


def _check_output(path: Path) -> None:
    """Reject a path that cannot be written, before anything is read.

    Raises:
        InputError: the path is not that of a file, or its folder is missing.
    """
    if path.exists() and not path.is_file():
        raise InputError("--output", "a file to write", f"{path}, which is not one")
    if not path.parent.is_dir():
        raise InputError("--output", "a file in an existing folder", f"no {path.parent}")
