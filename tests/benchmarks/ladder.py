"""What accuracy a recipe reaches in which share of the notebook's time, kept in a table.

    python tests/benchmarks/ladder.py RECIPE [RECIPE ...] [--seed 0,1,2] [--data PATH]

The notebook as plain Keras, timed in the same hour, is the unit. Each training is a process of its
own with a cache of its own, one after the other; each adds a row to the table as it ends. Progress
goes to standard error, the whole table as Markdown to standard output.

What is still being chosen is run with --untested: it is ended before its test, so that no choice
can depend on the test images.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

# The source tree that this file belongs to is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from command_line import interrupted_by_signals, read_arguments
from notebook_comparison import ChildFailedError, describe_machine
from notebook_comparison.child import engine_environment, run_child
from notebook_comparison.measurement import EngineRun
from notebook_comparison.rounds import Round, Say, describe

from engine.api.planning import plan as plan_checked
from engine.backbones.catalogue import find_backbone
from engine.common.atomic import written_whole
from engine.common.folders import CACHE_VARIABLE
from engine.common.text import accuracy, duration
from engine.config.recipe import NOTEBOOK
from engine.config.settings import SETTINGS
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.machine.provenance import find_origin
from engine.protocol.events import Event, PhaseChanged, event_from_line
from tui.__main__ import exit_status
from tui.cli.arguments import add_setting, chosen_options, read_path
from tui.cli.output import use_utf8
from tui.cli.usage import OneLineParser

PROGRAM = "python tests/benchmarks/ladder.py"
SOURCE = Path(__file__).resolve().parents[2]
TABLE = SOURCE / "docs/explanation/ladder.csv"
UNIT = "plain Keras"
"""What the rows of the notebook name as their recipe."""
UNIT_HOLDS = timedelta(hours=1)
"""How long a time of the notebook counts for the recipes measured after it."""
SHARED_FLAGS = ("--dataset", "--data", "--seed", "--train-limit")


@dataclass(frozen=True, slots=True)
class Row:
    """A training, or a time of the notebook."""

    time: str
    """ISO date and time of its end, to the minute."""
    machine: str
    commit: str
    """Of this source tree; with a plus where the packages had changes that were not committed."""
    dataset: str
    model: str
    recipe: str
    images: int | None
    """The first of the training images, where not all of them were used."""
    seed: int
    seconds: float
    """Extraction, tracing, training and validation; of the notebook its two calls of `fit`."""
    notebook_seconds: float
    """What the notebook takes for the same images on this machine."""
    validation: float | None
    """Accuracy on the held-out images; None for the notebook, which holds none out."""
    test: float | None
    """None where the training was ended before its test, or is the notebook's."""


class _TrainedError(Exception):
    """The child has trained; nobody wants its test."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark's command line; returns the exit status."""
    return exit_status(run, sys.argv[1:] if argv is None else argv)


def run(argv: Sequence[str]) -> int:
    """Measure, add to the table and print it.

    Returns:
        The exit status: 0 measured, 1 a process failed, 130 interrupted.

    Raises:
        InputError: an option does not hold, or the table cannot be read.
    """
    arguments = read_arguments(build_parser(), argv)
    trainings = plan(arguments)
    read_table(arguments.table)
    if not arguments.table.parent.is_dir():
        raise InputError("--table", "a file in a folder that exists", str(arguments.table))
    try:
        with interrupted_by_signals():
            measure(trainings, arguments.table, _say, tests=not arguments.untested)
    except ChildFailedError as error:
        print(f"cifar-tui: ladder: {error}", file=sys.stderr)
        return 1
    use_utf8(sys.stdout)
    print(markdown(read_table(arguments.table)))
    return 0


def build_parser() -> OneLineParser:
    """The parser of the benchmark's options."""
    parser = OneLineParser(
        prog=PROGRAM,
        description="Measure what accuracy recipes reach, in shares of the notebook's time.",
        epilog=f"examples:\n  {PROGRAM} quick recommended thorough --seed 0,1,2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "recipes", nargs="*", metavar="RECIPE", help="names or files; none prints the table"
    )
    parser.add_argument(
        "--model", default="EfficientNetLite0", help="to train (default: EfficientNetLite0)"
    )
    for setting in SETTINGS:
        if setting.flag in SHARED_FLAGS:
            add_setting(parser, setting)
    parser.add_argument(
        "--untested", action="store_true", help="end each training before its test images"
    )
    parser.add_argument(
        "--table",
        type=partial(read_path, "--table"),
        default=TABLE,
        metavar="FILE.csv",
        help=f"where rows are added (default: {TABLE.name} beside the documents)",
    )
    return parser


@dataclass(frozen=True, slots=True)
class Training:
    """One training to measure."""

    recipe: str
    """As it was asked for: a name, or the path of a file."""
    spec: RunSpec


def plan(arguments: argparse.Namespace) -> list[Training]:
    """The trainings to measure, all seeds of a recipe in a row.

    Raises:
        InputError: an option does not hold.
    """
    options = chosen_options(arguments)
    return [
        Training(recipe, spec)
        for recipe in arguments.recipes
        for spec in plan_checked([arguments.model], replace(options, recipe=recipe))
    ]


def measure(trainings: Sequence[Training], table: Path, say: Say, *, tests: bool) -> None:
    """Train one after the other, and add a row to the table for each.

    Args:
        trainings: all of one model and on the same images.
        table: the file with the rows; written anew with each.
        say: told in a line what happens.
        tests: whether they go on to the test images.

    Raises:
        ChildFailedError: one of the processes failed.
    """
    for training in trainings:
        with tempfile.TemporaryDirectory(prefix="cifar-tui-ladder-") as folder:
            unit = notebook_seconds(training.spec, table, say, Path(folder))
            row = train(training, unit, Path(folder), say, tests=tests)
        add_row(table, row)
        say(f"{row.recipe}, seed {row.seed}: {cells(row)}")


def notebook_seconds(spec: RunSpec, table: Path, say: Say, folder: Path) -> float:
    """Return what the notebook takes for the images of a spec, measured within the hour.

    One epoch of each of its stages is timed, and taken as often as it has epochs.
    """
    like = (this_machine(), spec.dataset, spec.model, spec.train_limit)
    for row in reversed(read_table(table)):
        age = datetime.now() - datetime.fromisoformat(row.time)
        same = (row.machine, row.dataset, row.model, row.images)
        if row.recipe == UNIT and age < UNIT_HOLDS and like == same:
            return row.seconds
    stages = tuple(replace(stage, epochs=1) for stage in NOTEBOOK.stages)
    usual = dict(NOTEBOOK.image_sizes).get(spec.model, find_backbone(spec.model).image_size)
    shortened = replace(
        spec, recipe=NOTEBOOK.name, stages=stages, image_size=usual, validation="test"
    )
    notebook = Round(shortened, lambda *_: [], say, folder)
    notebook.prepare()
    measured = notebook.measure_notebook()
    pairs = zip(NOTEBOOK.stages, measured.stage_seconds, strict=True)
    seconds = sum(stage.epochs * one for stage, one in pairs)
    add_row(table, _row(spec, UNIT, seconds, seconds, None, None))
    say(f"the notebook takes {duration(seconds)}")
    return seconds


def train(training: Training, unit: float, folder: Path, say: Say, *, tests: bool) -> Row:
    """Train in a process of its own, with nothing kept from an earlier one.

    Raises:
        ChildFailedError: it failed.
    """
    run = EngineRun(training.spec)
    watch(training, run, folder, say, tests=tests)
    return row_of(training, run, unit, tests=tests)


def watch(training: Training, run: EngineRun, folder: Path, say: Say, *, tests: bool) -> None:
    """Train in a process of its own, whose events go to `run`.

    Raises:
        ChildFailedError: it failed.
    """
    spec = training.spec

    def hear(line: str) -> None:
        event = event_from_line(line)
        if event is None:
            return
        run.apply(event)
        for text in describe(event):
            say(f"{training.recipe}, seed {spec.seed}: {text}")
        if not tests and _is_testing(event):
            raise _TrainedError

    own = {CACHE_VARIABLE: str(folder / "cache"), "TMPDIR": str(folder)}
    with suppress(_TrainedError):
        command = train_command(training, folder / "runs")
        run_child(training.recipe, command, engine_environment(**own), hear, folder / "stderr.log")


def row_of(training: Training, run: EngineRun, unit: float, *, tests: bool) -> Row:
    """Return what a training that has ended took and reached.

    Raises:
        ChildFailedError: it did not reach its end.
    """
    spec, ended = training.spec, run.snapshot()
    measured = run.measurement(0)
    of_epochs = [epoch.val_accuracy for epoch in ended.ended_epochs]
    if not of_epochs or (tests and ended.test is None):
        raise ChildFailedError(f"{training.recipe} failed: {ended.error or 'it did not end'}")
    validation = max(of_epochs) if spec.keep == "best" else of_epochs[-1]
    test = ended.test.accuracy if tests and ended.test else None
    return _row(spec, training.recipe, measured.total_seconds, unit, validation, test)


def _is_testing(event: Event) -> bool:
    return isinstance(event, PhaseChanged) and event.phase == "testing"


def train_command(training: Training, runs_dir: Path) -> list[str]:
    """The command line that trains as a user would."""
    spec = training.spec
    options = {
        "--recipe": training.recipe,
        "--dataset": spec.dataset,
        "--data": spec.data_path,
        "--train-limit": spec.train_limit,
        "--seed": spec.seed,
        "--runs-dir": runs_dir,
    }
    given = [f"{flag}={value}" for flag, value in options.items() if value is not None]
    return [sys.executable, "-P", "-m", "tui", "train", spec.model, *given, "--json"]


def _row(
    spec: RunSpec,
    recipe: str,
    seconds: float,
    unit: float,
    validation: float | None,
    test: float | None,
) -> Row:
    return Row(
        time=datetime.now().isoformat(timespec="minutes"),
        machine=this_machine(),
        commit=_commit(),
        dataset=spec.dataset,
        model=spec.model,
        recipe=recipe,
        images=spec.train_limit,
        seed=spec.seed,
        seconds=round(seconds, 1),
        notebook_seconds=round(unit, 1),
        validation=validation,
        test=test,
    )


def _commit() -> str:
    revision = find_origin().revision
    if revision is None:
        return "unknown"
    changed = ["git", "-C", str(SOURCE), "status", "--porcelain", "--", "engine", "tui"]
    is_dirty = subprocess.run(changed, capture_output=True, check=True).stdout
    return revision[:7] + ("+" if is_dirty else "")


def this_machine() -> str:
    """Return what times of this machine are compared by."""
    machine = describe_machine("", ())
    return f"{machine.cpu}, {machine.cores} cores"


def read_table(path: Path) -> list[Row]:
    """Return the rows of a table; none where there is no file.

    Raises:
        InputError: it is no such table.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("--table", "a table that can be read", str(error)) from error
    rows = []
    for number, cells_of in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            rows.append(_from_cells(cells_of))
        except (KeyError, TypeError, ValueError) as error:
            found = f"line {number}: {error}"
            raise InputError("--table", f"columns {', '.join(NAMES)}", found) from error
    return rows


def _from_cells(text: dict[str, str]) -> Row:
    datetime.fromisoformat(text["time"])
    return Row(
        **{name: text[name] for name in TEXTS},
        images=int(text["images"]) if text["images"] else None,
        seed=int(text["seed"]),
        seconds=float(text["seconds"]),
        notebook_seconds=float(text["notebook_seconds"]),
        validation=float(text["validation"]) if text["validation"] else None,
        test=float(text["test"]) if text["test"] else None,
    )


def add_row(path: Path, row: Row) -> None:
    """Add a row to a table; the file is whole at any time."""
    rows = [*read_table(path), row]
    with written_whole(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, NAMES, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in rows)


def markdown(rows: Sequence[Row]) -> str:
    """Return the means of each recipe over its seeds on a machine, the cheapest first."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.recipe != UNIT:
            limit = "" if row.images is None else f", {row.images:,} images"
            on = f"{row.model}, {row.dataset}{limit}"
            groups.setdefault((row.machine, on, row.recipe), []).append(row)
    lines = [
        "| Machine | Trained | Recipe | Seeds | Time | Of the notebook's | Validation | Test |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for (machine, on, recipe), group in sorted(groups.items(), key=lambda it: _share(it[1])):
        seeds = ", ".join(str(row.seed) for row in group)
        time = duration(statistics.mean(row.seconds for row in group))
        validation, test = (_mean([getattr(r, k) for r in group]) for k in ("validation", "test"))
        figures = (time, f"{_share(group):.2f}", validation, test)
        lines.append(f"| {machine} | {on} | {recipe} | {seeds} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _share(rows: Sequence[Row]) -> float:
    return statistics.mean(row.seconds / row.notebook_seconds for row in rows)


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return accuracy(statistics.mean(known)) if known else "–"


def cells(row: Row) -> str:
    """Return what a row has measured, in words."""
    share = row.seconds / row.notebook_seconds
    test = f", test {accuracy(row.test)}" if row.test is not None else ""
    took = f"{duration(row.seconds)}, {share:.2f} of the notebook's time"
    return f"{took}, validation {accuracy(row.validation)}{test}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


NAMES = [each.name for each in fields(Row)]
TEXTS = ("time", "machine", "commit", "dataset", "model", "recipe")

if __name__ == "__main__":
    sys.exit(main())
