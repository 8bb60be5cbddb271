"""What accuracy a recipe reaches in which share of the notebook's time, kept in a table.

    python tests/benchmarks/ladder.py RECIPE [RECIPE ...] [--seed 0,1,2] [--data PATH]

The notebook as plain Keras, timed in the same hour, is the unit. Each training is a process of its
own with a cache of its own, one after the other; each adds a row to the table as it ends. Its
exported model is then loaded by plain Keras, which classifies all test images again. Progress goes
to standard error, the whole table as Markdown to standard output.

What is still being chosen is run with --untested: it is ended before its test, so that no choice
can depend on the test images. More seeds may be trained with --untimed while the machine does
other work. With --ensemble the trainings of the command are combined at the end, for one more row.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
from engine.runs.listing import load_run
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
EXPORTED = Path(__file__).with_name("exported.py")
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
    seconds: float | None
    """Extraction, tracing, training and validation; of the notebook its two calls of `fit`, of an
    ensemble its members' sum. None where the machine did other work meanwhile."""
    notebook_seconds: float | None
    """What the notebook takes for the same images on this machine; None beside no seconds."""
    validation: float | None
    """Accuracy on the held-out images; None for the notebook, which holds none out."""
    test: float | None
    """None where the training was ended before its test, or is the notebook's."""
    exported: float | None
    """Accuracy of the exported model on the test images in plain Keras."""


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
    if arguments.ensemble and (arguments.untested or len(trainings) < 2):
        found = "--untested" if arguments.untested else f"{len(trainings)}"
        raise InputError("--ensemble", "two or more trainings that are tested", found)
    if not arguments.table.parent.is_dir():
        raise InputError("--table", "a file in a folder that exists", str(arguments.table))
    try:
        with interrupted_by_signals(), _runs_dir(arguments.runs_dir) as runs_dir:
            ladder = Ladder(arguments.table, runs_dir, _say)
            for training in trainings:
                ladder.measure(training, tests=not arguments.untested, times=not arguments.untimed)
            if arguments.ensemble:
                ladder.combine()
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
        "--untimed", action="store_true", help="leave the time out: the machine is busy"
    )
    parser.add_argument(
        "--ensemble", action="store_true", help="at last, combine the trainings into one model"
    )
    parser.add_argument(
        "--runs-dir",
        type=partial(read_path, "--runs-dir"),
        metavar="PATH",
        help="keep the runs there (default: they are deleted)",
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


@contextmanager
def _runs_dir(asked: Path | None) -> Iterator[Path]:
    """Give the folder that was asked for, or one that is deleted at the end."""
    if asked is not None:
        yield asked
        return
    with tempfile.TemporaryDirectory(prefix="cifar-tui-ladder-") as folder:
        yield Path(folder)


class Ladder:
    """Trains one after the other, and adds a row to the table for each.

    Args:
        table: the file with the rows; written anew with each.
        runs_dir: the folder of the runs.
        say: told in a line what happens.
    """

    def __init__(self, table: Path, runs_dir: Path, say: Say) -> None:
        self._table = table
        self._runs_dir = runs_dir
        self._say = say
        self._trained: list[tuple[Training, Row, Path]] = []

    def measure(self, training: Training, *, tests: bool, times: bool) -> None:
        """Train, test the exported model in plain Keras, and add the row.

        Args:
            training: of the same model and images as the others.
            tests: whether it goes on to the test images.
            times: whether nothing else runs on this machine.

        Raises:
            ChildFailedError: one of the processes failed.
        """
        spec = training.spec
        with tempfile.TemporaryDirectory(prefix="cifar-tui-ladder-") as scratch:
            unit = None
            if times:
                unit = notebook_seconds(spec, self._table, self._say, Path(scratch))
            row, run = train(training, unit, self._runs_dir, Path(scratch), self._say, tests=tests)
            if tests:
                row = replace(row, exported=exported_accuracy(run, spec, Path(scratch)))
        self._add(row)
        self._trained.append((training, row, run))

    def combine(self) -> None:
        """Combine all that was measured into one model, and add its row.

        Raises:
            ChildFailedError: one of the processes failed.
        """
        rows = [row for _, row, _ in self._trained]
        spec = self._trained[0][0].spec
        runs = [str(run) for *_, run in self._trained]
        said: list[str] = []
        command = [sys.executable, "-P", "-m", "tui", "ensemble", *runs, "--json"]
        with tempfile.TemporaryDirectory(prefix="cifar-tui-ladder-") as scratch:
            log, environment = Path(scratch) / "stderr.log", engine_environment()
            run_child("the ensemble", command, environment, said.append, log)
            made = json.loads("".join(said))
            exported = exported_accuracy(Path(made["path"]), spec, Path(scratch))
        members = {member["run"] for member in made["members"]}
        used = [row for row, run in zip(rows, runs, strict=True) if Path(run).name in members]
        names = " + ".join(f"{row.recipe} {row.seed}" for row in used)
        times = [row.seconds for row in used if row.seconds is not None]
        is_timed = len(times) == len(used)
        row = replace(
            rows[-1],
            time=_now(),
            recipe=f"mean {made['by']} of {names}",
            seconds=sum(times) if is_timed else None,
            notebook_seconds=used[-1].notebook_seconds if is_timed else None,
            validation=made["val_accuracy"],
            test=made["test_accuracy"],
            exported=exported,
        )
        self._add(row)

    def _add(self, row: Row) -> None:
        add_row(self._table, row)
        self._say(f"{row.recipe}, seed {row.seed}: {cells(row)}")


def exported_accuracy(run: Path, spec: RunSpec, scratch: Path) -> float:
    """Return the accuracy of a run's exported model on the test images, in plain Keras.

    Raises:
        ChildFailedError: it could not be loaded, or the test images are not those of the run.
    """
    said: list[str] = []
    command = [sys.executable, str(EXPORTED), str(run / "model.keras"), f"--dataset={spec.dataset}"]
    if spec.data_path is not None:
        command.append(f"--data={spec.data_path}")
    log = scratch / "exported.log"
    run_child("the exported model", command, engine_environment(), said.append, log)
    return float(json.loads(said[-1])["accuracy"])


def notebook_seconds(spec: RunSpec, table: Path, say: Say, folder: Path) -> float:
    """Return what the notebook takes for the images of a spec, measured within the hour.

    One epoch of each of its stages is timed, and taken as often as it has epochs.
    """
    like = (this_machine(), spec.dataset, spec.model, spec.train_limit)
    for row in reversed(read_table(table)):
        age = datetime.now() - datetime.fromisoformat(row.time)
        same = (row.machine, row.dataset, row.model, row.images)
        if row.recipe == UNIT and row.seconds and age < UNIT_HOLDS and like == same:
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


def train(
    training: Training, unit: float | None, runs_dir: Path, scratch: Path, say: Say, *, tests: bool
) -> tuple[Row, Path]:
    """Train in a process of its own, with nothing kept from an earlier one.

    Args:
        training: what is trained.
        unit: seconds of the notebook; None where the time does not count.
        runs_dir: the folder of the runs.
        scratch: an empty folder, for what is not kept.
        say: told in a line what happens.
        tests: whether it goes on to the test images.

    Returns:
        Its row, and its run directory.

    Raises:
        ChildFailedError: it failed.
    """
    run = EngineRun(training.spec)
    made = watch(training, run, runs_dir, scratch, say, tests=tests)
    return row_of(training, run, unit, tests=tests), made


def watch(
    training: Training, run: EngineRun, runs_dir: Path, scratch: Path, say: Say, *, tests: bool
) -> Path:
    """Train in a process of its own, whose events go to `run`; return the run directory.

    The other arguments are those of `train`.

    Raises:
        ChildFailedError: it failed.
    """

    def hear(line: str) -> None:
        event = event_from_line(line)
        if event is None:
            return
        run.apply(event)
        for text in describe(event):
            say(f"{training.recipe}, seed {training.spec.seed}: {text}")
        if not tests and _is_testing(event):
            raise _TrainedError

    own = {CACHE_VARIABLE: str(scratch / "cache"), "TMPDIR": str(scratch)}
    before = set(_folders(runs_dir))
    with suppress(_TrainedError):
        command = train_command(training, runs_dir)
        run_child(training.recipe, command, engine_environment(**own), hear, scratch / "stderr.log")
    for path in sorted(set(_folders(runs_dir)) - before):
        # Others may train into the same folder.
        made = load_run(path).file.spec
        if (made.recipe, made.seed) == (training.spec.recipe, training.spec.seed):
            return path
    raise ChildFailedError(f"{training.recipe} failed: it left no run directory")


def row_of(training: Training, run: EngineRun, unit: float | None, *, tests: bool) -> Row:
    """Return what a training that has ended took and reached.

    Args:
        training: what was trained.
        run: has taken its events.
        unit: seconds of the notebook; None where the time does not count.
        tests: whether it was tested.

    Raises:
        ChildFailedError: it did not reach its end.
    """
    spec, ended = training.spec, run.snapshot()
    of_epochs = [epoch.val_accuracy for epoch in ended.ended_epochs]
    if not of_epochs or (tests and ended.test is None):
        raise ChildFailedError(f"{training.recipe} failed: {ended.error or 'it did not end'}")
    validation = max(of_epochs) if spec.keep == "best" else of_epochs[-1]
    test = ended.test.accuracy if tests and ended.test else None
    seconds = run.measurement(0).total_seconds if unit is not None else None
    return _row(spec, training.recipe, seconds, unit, validation, test)


def _folders(runs_dir: Path) -> list[Path]:
    found = runs_dir.iterdir() if runs_dir.is_dir() else ()
    return [path for path in found if path.is_dir() and not path.name.startswith(".")]


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
    seconds: float | None,
    unit: float | None,
    validation: float | None,
    test: float | None,
) -> Row:
    return Row(
        time=_now(),
        machine=this_machine(),
        commit=_commit(),
        dataset=spec.dataset,
        model=spec.model,
        recipe=recipe,
        images=spec.train_limit,
        seed=spec.seed,
        seconds=None if seconds is None else round(seconds, 1),
        notebook_seconds=None if unit is None else round(unit, 1),
        validation=validation,
        test=test,
        exported=None,
    )


def _now() -> str:
    return datetime.now().isoformat(timespec="minutes")


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
        seconds=_figure(text["seconds"]),
        notebook_seconds=_figure(text["notebook_seconds"]),
        validation=_figure(text["validation"]),
        test=_figure(text["test"]),
        exported=_figure(text["exported"]),
    )


def _figure(cell: str) -> float | None:
    return float(cell) if cell else None


def add_row(path: Path, row: Row) -> None:
    """Add a row to a table; the file is whole at any time."""
    rows = [*read_table(path), row]
    with written_whole(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, NAMES, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in rows)


def markdown(rows: Sequence[Row]) -> str:
    """Return the means of each recipe over its seeds on a machine, the cheapest first.

    Times are the means of the rows that have one.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.recipe != UNIT:
            limit = "" if row.images is None else f", {row.images:,} images"
            on = f"{row.model}, {row.dataset}{limit}"
            groups.setdefault((row.machine, on, row.recipe), []).append(row)
    lines = [
        "| Machine | Trained | Recipe | Seeds | Time | Of the notebook's | Validation | Test "
        "| Exported |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (machine, on, recipe), group in sorted(groups.items(), key=lambda it: _share(it[1])):
        seeds = ", ".join(str(row.seed) for row in group)
        timed = [row.seconds for row in group if row.seconds is not None]
        time = duration(statistics.mean(timed)) if timed else "–"
        share = f"{_share(group):.2f}" if timed else "–"
        reached = [_mean([getattr(row, name) for row in group]) for name in ACCURACIES]
        figures = " | ".join([time, share, *reached])
        lines.append(f"| {machine} | {on} | {recipe} | {seeds} | {figures} |")
    return "\n".join(lines)


def _share(rows: Sequence[Row]) -> float:
    """Return the mean share of the notebook's time; infinite where no row has a time."""
    pairs = [(row.seconds, row.notebook_seconds) for row in rows]
    shares = [seconds / unit for seconds, unit in pairs if seconds and unit]
    return statistics.mean(shares) if shares else math.inf


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return accuracy(statistics.mean(known)) if known else "–"


def cells(row: Row) -> str:
    """Return what a row has measured, in words."""
    test = f", test {accuracy(row.test)}" if row.test is not None else ""
    if row.exported is not None:
        test += f" ({accuracy(row.exported)} in plain Keras)"
    took = "not timed"
    if row.seconds is not None:
        took = f"{duration(row.seconds)}, {_share([row]):.2f} of the notebook's time"
    return f"{took}, validation {accuracy(row.validation)}{test}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


NAMES = [each.name for each in fields(Row)]
TEXTS = ("time", "machine", "commit", "dataset", "model", "recipe")
ACCURACIES = ("validation", "test", "exported")

if __name__ == "__main__":
    sys.exit(main())
