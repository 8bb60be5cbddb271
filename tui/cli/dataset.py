"""`cifar-tui dataset`: describe a data set before training on it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict

from engine.common.text import aligned, printable, whole
from engine.config.dataset_names import title
from engine.datasets.loading import find_source
from engine.datasets.report import Report
from engine.datasets.source import DataRequest
from tui.cli.output import image_progress
from tui.settings.option_names import in_flags, named

TITLES = ("class", "train", "test")
NAMED = 10
"""How many unreadable files are named; `--json` names all."""


def run(arguments: argparse.Namespace) -> int:
    """Print the classes, image counts and sizes, and what will be converted or left out.

    Raises:
        InputError: there is no such data set, or the folder does not hold one.
    """
    with named("NAME|FOLDER"):
        source, path = find_source(arguments.dataset)
    with image_progress("decoding") as progress:
        report = source.report(DataRequest(path), progress)
    if arguments.json:
        # File names may hold bytes that are not UTF-8; ASCII output escapes them.
        print(json.dumps(asdict(report), indent=1, allow_nan=False))
    else:
        print("\n".join(in_flags(printable(line)) for line in _lines(report)))
    return 0


def _lines(report: Report) -> Iterator[str]:
    yield f"{title(report.name)}: {report.where}"
    rows = [TITLES, *((c.name, whole(c.train), whole(c.test)) for c in report.classes)]
    train, test = sum(c.train for c in report.classes), sum(c.test for c in report.classes)
    rows.append((f"{len(report.classes)} classes", whole(train), whole(test)))
    yield from aligned(rows, [False, True, True])
    yield f"width {_range(report.widths)}, height {_range(report.heights)} px"
    others = [f"{whole(count)} {mode}" for mode, count in report.modes.items() if mode != "RGB"]
    if others:
        yield f"to be converted to RGB: {', '.join(others)}"
    yield from report.notes
    yield from (f"! {warning}" for warning in report.warnings)
    if report.unreadable:
        yield f"! unreadable, left out: {whole(len(report.unreadable))}"
        yield from (f"  {line}" for line in report.unreadable[:NAMED])
    if len(report.unreadable) > NAMED:
        yield f"  and {whole(len(report.unreadable) - NAMED)} more"


def _range(least_and_most: tuple[int, int]) -> str:
    least, most = least_and_most
    return str(least) if least == most else f"{least} to {most}"
