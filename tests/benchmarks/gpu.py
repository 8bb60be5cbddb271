"""What a GPU makes of this program, in minutes: the notebook, the recipes, and a step both ways.

    python tests/benchmarks/gpu.py [--data PATH] [--minutes 8]

The notebook as plain Keras against the engine, the recipe `thorough`, and the training step of
whole networks with XLA and without, in float32 and bfloat16. Each is a process of its own, one
after the other; when the minutes are used up, what there is is printed. Progress goes to standard
error, Markdown to standard output. Where there is no GPU, this tries it:

    python tests/benchmarks/gpu.py --device cpu --train-limit 128 --step-batch 1
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

# The source tree that this file belongs to is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import ladder
from command_line import interrupted_by_signals, read_arguments
from gpu_steps import NAMES
from ladder import Row, Training, notebook_seconds, row_of, watch
from notebook_comparison import ChildFailedError, describe_machine
from notebook_comparison.child import engine_environment, run_child
from notebook_comparison.measurement import EngineRun
from notebook_comparison.rounds import Say

from engine.backbones.catalogue import find_backbone
from engine.common.text import accuracy, byte_size, duration
from engine.config.kinds import Number, Whole
from engine.config.settings import SETTINGS
from engine.errors import InputError
from tui.__main__ import exit_status
from tui.cli.arguments import add_setting
from tui.cli.output import use_utf8
from tui.cli.usage import OneLineParser

PROGRAM = "python tests/benchmarks/gpu.py"
MODEL = "EfficientNetLite0"
RECIPES = ("notebook", "thorough")
STEPS = "steps"
PARTS = (*RECIPES, STEPS)
STEPS_FILE = Path(__file__).with_name("gpu_steps.py")
MINUTES = 8.0
MISSING = "–"


class OutOfTimeError(Exception):
    """The minutes are used up."""


@dataclass
class Figures:
    """What has been measured so far."""

    device: str = ""
    """`gpu:0`."""
    name: str = ""
    """What it calls itself."""
    unit: float | None = None
    """Seconds of the notebook as plain Keras."""
    rows: list[Row] = field(default_factory=list)
    runs: dict[str, EngineRun] = field(default_factory=dict)
    """Of each recipe, also one that was cut off."""
    steps: list[dict[str, Any]] = field(default_factory=list)
    """The lines of `gpu_steps.py`."""
    notes: list[str] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark's command line; returns the exit status."""
    return exit_status(run, sys.argv[1:] if argv is None else argv)


def run(argv: Sequence[str]) -> int:
    """Measure, and print what there is when all is measured or the time is used up.

    Returns:
        The exit status: 0 measured, 1 a process failed, 130 interrupted.

    Raises:
        InputError: an option does not hold, or there is no GPU.
    """
    arguments = read_arguments(build_parser(), argv)
    trainings = plan(arguments)
    if arguments.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # for plain Keras, which takes what it sees
    figures, status = Figures(), 0
    with interrupted_by_signals(), tempfile.TemporaryDirectory(prefix="cifar-tui-gpu-") as name:
        try:
            with time_limit(60 * arguments.minutes):
                find_device(arguments.device, figures, Path(name))
                measure(trainings, arguments, figures, _say, Path(name))
        except OutOfTimeError:
            figures.notes.append(f"Cut off after {arguments.minutes:g} minutes.")
        except ChildFailedError as error:
            print(f"cifar-tui: gpu: {error}", file=sys.stderr)
            status = 1
    use_utf8(sys.stdout)
    print(markdown(figures, trainings))
    return status


def build_parser() -> OneLineParser:
    """The parser of the benchmark's options."""
    parser = OneLineParser(
        prog=PROGRAM,
        description="Measure what a GPU makes of this program.",
        epilog=f"examples:\n  {PROGRAM} --data ~/cifar10\n  {PROGRAM} steps --minutes 4",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join(PARTS)} (default: all, in this order)",
    )
    for setting in SETTINGS:
        if setting.flag in ladder.SHARED_FLAGS:
            add_setting(parser, setting)
    parser.add_argument(
        "--device", choices=("gpu", "cpu"), default="gpu", help="where (default: gpu)"
    )
    parser.add_argument(
        "--minutes",
        type=partial(Number("0 to 1000", 0, 1000, excluded=(0,)).read, "--minutes"),
        default=MINUTES,
        metavar="N",
        help=f"after which to print what there is (default: {MINUTES:g})",
    )
    parser.add_argument(
        "--networks",
        type=lambda text: text.split(","),
        default=list(NAMES),
        metavar="NAMES",
        help=f"whose steps are timed, with commas (default: {','.join(NAMES)})",
    )
    parser.add_argument(
        "--step-batch",
        type=partial(Whole(1, 4096).read, "--step-batch"),
        default=64,
        metavar="N",
        help="images of a timed step (default: 64)",
    )
    return parser


def plan(arguments: argparse.Namespace) -> list[Training]:
    """The trainings to measure.

    Raises:
        InputError: an option does not hold.
    """
    for name in arguments.networks:
        find_backbone(name)
    wrong = [part for part in arguments.parts if part not in PARTS]
    if wrong:
        raise InputError("", f"a part: {', '.join(PARTS)}", repr(wrong[0][:60]))
    recipes = [recipe for recipe in RECIPES if recipe in (arguments.parts or PARTS)]
    asked = argparse.Namespace(**vars(arguments) | {"recipes": recipes, "model": MODEL})
    return ladder.plan(asked)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in what runs inside once the seconds are over."""

    def end(*_: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def find_device(asked: str, figures: Figures, folder: Path) -> None:
    """Note which device computes.

    Raises:
        InputError: it is not here.
    """
    found: dict[str, Any] = {}
    _run_steps([f"--device={asked}"], lambda line: found.update(line), folder)
    if "missing" in found:
        hint = 'install GPU support with `pip install "cifar-tui[gpu]"`, or try --device cpu'
        raise InputError("--device", "a GPU", found["missing"], hint)
    figures.device, figures.name = found["device"], found["name"]


def measure(
    trainings: Sequence[Training],
    arguments: argparse.Namespace,
    figures: Figures,
    say: Say,
    folder: Path,
) -> None:
    """Measure one part after the other, and add each figure as soon as there is one.

    Raises:
        ChildFailedError: one of the processes failed.
        OutOfTimeError: the time is used up.
    """
    for training in trainings:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            table = folder / "table.csv"
            figures.unit = notebook_seconds(training.spec, table, say, Path(own))
            run = figures.runs[training.recipe] = EngineRun(training.spec)
            watch(training, run, folder / "runs", Path(own), say, tests=True)
            row = row_of(training, run, figures.unit, tests=True)
            figures.rows.append(replace(row, machine=figures.name))
    if not arguments.parts or STEPS in arguments.parts:

        def hear(line: dict[str, Any]) -> None:
            if "network" in line:
                figures.steps.append(line)
                say(" | ".join(_step_cells(line)))

        options = [f"--device={figures.device}", f"--batch-size={arguments.step_batch}"]
        _run_steps([*options, *arguments.networks], hear, folder)


def _run_steps(options: Sequence[str], hear: Any, folder: Path) -> None:
    def read(line: str) -> None:
        if line.startswith("{"):
            hear(json.loads(line))

    command = [sys.executable, "-P", str(STEPS_FILE), *options]
    run_child("a timing of steps", command, engine_environment(), read, folder / "stderr.log")


def markdown(figures: Figures, trainings: Sequence[Training]) -> str:
    """All figures as Markdown, in the order of the parts."""
    parts = [_caption(figures, trainings)]
    if figures.unit is not None:
        took = f"The notebook as plain Keras takes {duration(figures.unit)}"
        parts.append(f"{took}, of which one epoch of each stage was timed.")
    if figures.rows:
        parts.append(ladder.markdown(figures.rows))
    if figures.runs:
        parts.append("\n".join(_runs(figures)))
    if figures.steps:
        parts.append("\n".join(_steps(figures)))
    return "\n\n".join([*parts, *figures.notes])


def _caption(figures: Figures, trainings: Sequence[Training]) -> str:
    machine = describe_machine(figures.device, ())
    versions = machine.versions
    parts = [
        f"{figures.device}: {figures.name}",
        f"{machine.cores} cores, {machine.cpu or 'unknown'}",
        f"Keras {versions.get('keras', '?')} on {machine.backend} "
        f"{versions.get(machine.backend, '?')}",
        date.today().isoformat(),
    ]
    if trainings and (limit := trainings[0].spec.train_limit) is not None:
        parts.append(f"the first {limit:,} training images")
    return "; ".join(parts)


def _runs(figures: Figures) -> list[str]:
    """What the engine's own samples say of the GPU, also of a training that was cut off."""
    lines = [
        "| Recipe | Epochs | Validation, last | GPU memory, peak | GPU in training | XLA |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for recipe, run in figures.runs.items():
        ended = run.snapshot().ended_epochs
        peak, percent = run.gpu_peak_bytes, run.gpu_percent
        cells = (
            recipe,
            f"{len(ended)} of {run.snapshot().spec.epochs}",
            accuracy(ended[-1].val_accuracy) if ended else MISSING,
            byte_size(peak) if peak is not None else MISSING,
            f"{percent:.0f} %" if percent is not None else MISSING,
            "; ".join(text.removeprefix("XLA: ") for text in run.log if "XLA" in text) or MISSING,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _steps(figures: Figures) -> list[str]:
    return [
        "| Network, all layers | Input | Precision | XLA | Images/s | Memory, peak |",
        "| --- | ---: | --- | --- | ---: | ---: |",
        *(f"| {' | '.join(_step_cells(step))} |" for step in figures.steps),
    ]


def _step_cells(step: dict[str, Any]) -> tuple[str, ...]:
    rate, peak = step.get("images_per_second"), step.get("peak_bytes")
    return (
        step["network"],
        f"{step['image_size']} px",
        step["precision"],
        "on" if step["xla"] else "off",
        f"{rate:,.0f}" if rate is not None else f"fails: {step['failed'].replace('|', '/')}",
        byte_size(peak) if peak is not None else MISSING,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
