"""`cifar-tui predict`: classify images with the model of a run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from engine.api.prediction import Classifier, open_classifier
from engine.common.text import printable
from engine.errors import InputError
from engine.machine.output_capture import OutputCapture
from engine.runs.selecting import choose_run
from tui.cli.output import as_asked, can_show, use_utf8
from tui.cli.streams import complain_of_input, line_of
from tui.panels.bars import blocks
from tui.panels.pixels import UPPER_HALF, half_blocks

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from engine.tools.predict import Prediction

_BAR = 24
"""Cells of a bar."""


def run(arguments: argparse.Namespace) -> int:
    """Print the five most probable classes of each image.

    Returns:
        0 if every image could be read, else 1; the others are classified either way.

    Raises:
        InputError: there is no such run, it has no model, or its backend does not work here.
    """
    record = choose_run(arguments.runs_dir, arguments.run)
    if arguments.json:
        use_utf8(sys.stdout)
    # TensorFlow writes its greeting to descriptor 2 itself, past `sys.stderr`.
    with OutputCapture(lambda line: None) as capture:
        classifier = open_classifier(record)
        answers = ((path, _answer(classifier, path)) for path in arguments.images)
        if arguments.json:
            found = list(answers)
            plain = [_plain(path, answer) for path, answer in found]
            json.dump(plain, capture.terminal, indent=1, allow_nan=False)
            capture.terminal.write("\n")
        else:
            found = list(_print_each(answers, capture.terminal))
    failures = [answer for _, answer in found if isinstance(answer, InputError)]
    for error in failures:
        complain_of_input(error, as_json=arguments.json)
    return 1 if failures else 0


Answered = tuple[Path, "Prediction | InputError"]


def _answer(classifier: Classifier, path: Path) -> Prediction | InputError:
    try:
        (prediction,) = classifier.predict([path])
    except InputError as error:
        return error
    return prediction


def _plain(path: Path, answer: Prediction | InputError) -> dict[str, Any]:
    if isinstance(answer, InputError):
        return {"image": str(path), "error": line_of(answer)}
    classes = [{"class": name, "probability": share} for name, share in answer.classes]
    note = {"note": answer.note} if answer.note else {}
    return {"image": str(path), "classes": classes, **note}


def _print_each(answers: Any, terminal: TextIO) -> Any:
    from rich.console import Console

    console = Console(file=terminal, highlight=False, markup=False, emoji=False)
    for path, answer in answers:
        if not isinstance(answer, InputError):
            _print(console, answer)
        yield path, answer


def _print(console: Console, prediction: Prediction) -> None:
    """Print a bar for each class, beside the image if the terminal has enough colours."""
    from rich.table import Table

    name = printable(prediction.name)
    console.print(f"{name}: {prediction.classes[0][0]}", soft_wrap=True)
    if prediction.note:
        console.print(f"  {prediction.note}", soft_wrap=True)
    bars = _bars(prediction.classes)
    if console.color_system not in ("truecolor", "256") or not can_show(UPPER_HALF):
        for line in bars:
            console.print(f"  {line}", soft_wrap=True)
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_row(_drawn(prediction), "\n".join(bars))
    console.print(grid)


def _bars(classes: Sequence[tuple[str, float]]) -> list[str]:
    width = max(len(name) for name, _ in classes)
    in_eighths = can_show(blocks(1 / 16, 1))
    bars = ((name, share, blocks(share, _BAR, in_eighths=in_eighths)) for name, share in classes)
    lines = (f"{name:<{width}}  {share:6.1%}  {bar}" for name, share, bar in bars)
    return [as_asked(line).rstrip() for line in lines]


def _drawn(prediction: Prediction) -> Text:
    from rich.text import Text

    lines = half_blocks(prediction.pixels, prediction.pixels.shape[1])
    drawn = (
        Text.assemble(*((text, style.rich_style) for text, style in line.render(end="")))
        for line in lines
    )
    return Text("\n", no_wrap=True).join(drawn)
