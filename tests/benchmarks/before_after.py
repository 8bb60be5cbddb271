"""How fast this source tree trains, and how fast an earlier commit does, measured in turn.

    python tests/benchmarks/before_after.py --base COMMIT [--figure NAME ...] [--rounds 5] [--json]

Each measurement is a `cifar-tui train` of its own, one after the other, with caches of its own; the
figures come from its record. Progress goes to standard error, a Markdown table to standard output.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

# The source tree that this file belongs to is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from command_line import interrupted_by_signals, read_arguments
from notebook_comparison import ChildFailedError, describe_machine
from notebook_comparison.child import run_child

from engine.common.folders import (
    CACHE_VARIABLE,
    CONFIG_VARIABLE,
    check_temporary_folder,
    expanded,
)
from engine.config.kinds import Whole
from engine.config.settings import SETTINGS, Options
from engine.datasets.loading import check_dataset
from engine.errors import InputError
from tui.__main__ import exit_status
from tui.cli.arguments import TEXT, add_setting
from tui.cli.output import use_utf8
from tui.cli.usage import OneLineParser

PROGRAM = "python tests/benchmarks/before_after.py"
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "tui")
"""What is measured of a source tree."""
MAX_ROUNDS = 100
BATCH = 64
LITE0 = "EfficientNetLite0"
ALL_LAYERS_FILE = "all-layers.toml"
"""In the working directory of every child; no option asks for a stage that trains all layers."""
ALL_LAYERS = f"""\
scratch_learning_rate = 0.001
batch_size = {BATCH}

[[stages]]
name = "all"
epochs = 2
learning_rate = 0.00001
unfreeze_last = "all"
"""
PROCESS_ENDED = "ProcessEnded"
"""An event that only this benchmark adds to a record: what the system knew of the ended process."""

Side = Literal["base", "here"]
SIDES: tuple[Side, Side] = ("base", "here")
Event = Mapping[str, Any]
"""A line of `events.jsonl` as plain JSON, since another commit may have other classes."""
Samples = dict[str, dict[Side, list[float]]]
"""A number a round, by name of the figure and side."""


@dataclass(frozen=True, slots=True)
class Training:
    """What a child trains; figures with the same one are read from the same child."""

    model: str
    options: tuple[str, ...]
    images: int
    """How many training images, unless `--train-limit` says it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table."""

    name: str
    meaning: str
    unit: str
    is_rate: bool
    """Whether more is better; otherwise less is."""
    training: Training
    read: Callable[[Sequence[Event]], float]
    """From the events of the run to the number; raises ValueError where they do not hold it."""
    needs_end: bool = False
    """Whether the child is to end by itself instead of being ended before its final test."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was measured, and on what."""

    figures: tuple[Figure, ...]
    samples: Samples
    rounds: int
    train_limit: int | None
    base: str
    """The base commit, abbreviated."""
    here: str
    """This tree's commit, abbreviated."""
    is_dirty: bool
    """Whether the packages of this tree differ from that commit."""
    cpu: str
    cores: int
    device: str
    """Where the engine computed: `cpu:0`, `gpu:1`."""
    day: str
    """ISO date on which the measurement ended."""


def extraction_rate(events: Sequence[Event]) -> float:
    """Return the images per second of extraction, compilation included.

    Raises:
        ValueError: the record has no extraction.
    """
    ready = _extracted(events)
    return _ratio(ready["images"], ready["seconds"])


def extraction_pace(events: Sequence[Event]) -> float:
    """Return the images per second of extraction after its first report of progress.

    By then it has compiled, which takes as long as thousands of images.

    Raises:
        ValueError: the record has no extraction, or none of several batches.
    """
    ready = _extracted(events)
    began = ready["time"] - ready["seconds"]
    reports = (e for e in _of(events, "PhaseProgressed") if began <= e["time"] <= ready["time"])
    first = next(reports, None)
    if first is None:
        raise ValueError("expected PhaseProgressed of the extraction, found none")
    return _ratio(ready["images"] - first["done"], ready["time"] - first["time"])


def _extracted(events: Sequence[Event]) -> Event:
    """Return the event of the pass over the images; its time is when the features were ready."""
    for event in _of(events, "FeaturesReady"):
        if event["source"] == "extracted":
            return event
    raise ValueError("expected FeaturesReady with extracted features, found none")


def training_rate(events: Sequence[Event]) -> float:
    """Return the images per second of the last stage's steps, without validation and tracing.

    Raises:
        ValueError: the stage has no second epoch.
    """
    return statistics.median(
        _ratio(epoch["images_per_second"], 1) for epoch in _later_epochs(events)
    )


def step_milliseconds(events: Sequence[Event]) -> float:
    """Return the milliseconds of a step of `BATCH` images in the last stage.

    An epoch's last batch may be smaller, so this is the time of so many images.

    Raises:
        ValueError: the stage has no second epoch.
    """
    return 1e3 * BATCH / training_rate(events)


def validation_rate(events: Sequence[Event]) -> float:
    """Return the images per second of the last stage's validation.

    Raises:
        ValueError: the stage has no second epoch.
    """
    started = next(_of(events, "RunStarted"), None)
    if started is None:
        raise ValueError("expected RunStarted, found none")
    images = started["data"]["validation_images"]
    return statistics.median(
        _ratio(images, epoch["validation_seconds"]) for epoch in _later_epochs(events)
    )


def recipe_seconds(events: Sequence[Event]) -> float:
    """Return the seconds of extraction, steps and validation of all stages, without tracing.

    Raises:
        ValueError: the record has no extraction, or no epoch has ended.
    """
    epochs = list(_of(events, "EpochEnded"))
    if not epochs:
        raise ValueError("expected epochs that ended, found none")
    spent = sum(epoch["train_seconds"] + epoch["validation_seconds"] for epoch in epochs)
    return float(_extracted(events)["seconds"] + spent)


def peak_mebibytes(events: Sequence[Event]) -> float:
    """Return the peak of the process's resident memory in MiB.

    Raises:
        ValueError: the process did not end by itself.
    """
    ended = next(_of(events, PROCESS_ENDED), None)
    if ended is None:
        raise ValueError("expected a process that ended by itself, found none")
    return float(ended["peak_bytes"]) / 2**20


def _later_epochs(events: Sequence[Event]) -> list[Event]:
    """Return the epochs of the last stage but its first, in which steps and validation trace."""
    epochs = list(_of(events, "EpochEnded"))
    later = [epoch for epoch in epochs if epoch["stage"] == epochs[-1]["stage"]][1:]
    if not later:
        raise ValueError("expected two epochs of the last stage, found fewer")
    return later


def _of(events: Sequence[Event], kind: str) -> Iterator[Event]:
    return (event for event in events if event["event"] == kind)


def _ratio(amount: float | None, seconds: float | None) -> float:
    """Return `amount` by second; a record has null for what was not measured."""
    if not amount or not seconds:
        raise ValueError(f"expected images and their time, found {amount} in {seconds} s")
    return float(amount) / float(seconds)


def _notebook(model: str, image_size: int, epochs: str, images: int, *more: str) -> Training:
    options = ("--recipe=notebook", f"--image-size={image_size}", f"--epochs={epochs}", *more)
    return Training(model, options, images)


HEAD_96 = _notebook(LITE0, 96, "6", 10_000)
"""Several epochs on kept features, since one takes a fraction of a second."""
HEAD_128 = _notebook(LITE0, 128, "1", 10_000)
NOTEBOOK_96 = _notebook(LITE0, 96, "5,3", 10_000)
WHOLE_MIRRORED = Training(
    LITE0, ("--recipe=recommended", "--epochs=5,5", "--unfreeze-last=38", "--flip"), 50_000
)
ALL_128 = Training(
    LITE0,
    # Half of the images, so that a validation takes long enough to be measured.
    (f"--recipe={ALL_LAYERS_FILE}", "--image-size=128", "--validation=0.5"),
    4_000,
)


def _extraction(model: str, image_size: int, training: Training) -> tuple[Figure, Figure]:
    kind = f"{image_size}" if model == LITE0 else f"{model.lower()}-{image_size}"
    where = f"{model} at {image_size} px"
    rate = f"extraction with its compilation, {where}", "images/s", True, training
    pace = f"extraction once compiled, {where}", "images/s", True, training
    return (
        Figure(f"extraction-{kind}", *rate, extraction_rate),
        Figure(f"pace-{kind}", *pace, extraction_pace),
    )


FIGURES = (
    *_extraction(LITE0, 128, HEAD_128),
    *_extraction(LITE0, 96, HEAD_96),
    *(
        figure
        for model, images in (("MobileNetV2", 5_000), ("ResNet50V2", 2_000))
        for size in (128, 96)
        for figure in _extraction(
            model, size, _notebook(model, size, "1", images, "--weights=none")
        )
    ),
    Figure(
        "step-last30-96",
        f"step of the last 30 layers, {LITE0} at 96 px, batch {BATCH}",
        "ms",
        False,
        NOTEBOOK_96,
        step_milliseconds,
    ),
    Figure(
        "step-all-128",
        f"step of all layers, {LITE0} at 128 px, batch {BATCH}",
        "ms",
        False,
        ALL_128,
        step_milliseconds,
    ),
    Figure(
        "validation-all-128",
        f"validation while all layers train, {LITE0} at 128 px",
        "images/s",
        True,
        ALL_128,
        validation_rate,
    ),
    Figure(
        "head-96",
        f"head on kept features, {LITE0} at 96 px, batch {BATCH}",
        "images/s",
        True,
        HEAD_96,
        training_rate,
    ),
    *(
        Figure(name, f"all of {recipe}, {LITE0}", "s", False, training, recipe_seconds)
        for name, recipe, training in (
            ("whole-notebook-96", "the notebook's recipe at 96 px", NOTEBOOK_96),
            ("whole-mirrored-128", "ten epochs on mirrored images at 128 px", WHOLE_MIRRORED),
        )
    ),
    Figure(
        "peak-memory",
        f"peak resident memory, run of the head of {LITE0} at 128 px",
        "MiB",
        False,
        HEAD_128,
        peak_mebibytes,
        needs_end=True,
    ),
)
"""Figures of equal training are measured by one child a round."""
NAMES = tuple(figure.name for figure in FIGURES)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark's command line; returns the exit status."""
    return exit_status(run, sys.argv[1:] if argv is None else argv)


def run(argv: Sequence[str]) -> int:
    """Measure and print.

    Returns:
        The exit status: 0 measured, 1 a process failed, 130 interrupted.

    Raises:
        InputError: an option does not hold.
    """
    arguments = read_arguments(build_parser(), argv)
    figures = tuple(
        row for row in FIGURES if arguments.figure is None or row.name in arguments.figure
    )
    base = find_commit(arguments.base)
    # A child has another working directory.
    data = arguments.data_path and os.path.abspath(expanded(arguments.data_path))
    check_dataset(Options(data_path=data, train_limit=arguments.train_limit))
    check_temporary_folder()
    try:
        with interrupted_by_signals():
            compared = compare(figures, base, arguments.rounds, arguments.train_limit, data)
    except ChildFailedError as error:
        print(f"cifar-tui: before_after: {error}", file=sys.stderr)
        return 1
    use_utf8(sys.stdout)
    print(as_json(compared) if arguments.json else markdown(compared))
    return 0


def build_parser() -> OneLineParser:
    """The parser of the benchmark's options."""
    rows = "\n".join(f"  {row.name:27} {row.unit:9} {row.meaning}" for row in FIGURES)
    parser = OneLineParser(
        prog=PROGRAM,
        description="Time this source tree against an earlier commit, in turn.",
        epilog=f"figures:\n{rows}\n\nexamples:\n  {PROGRAM} --base HEAD~1 --figure extraction-96",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--base",
        metavar="COMMIT",
        required=True,
        type=partial(TEXT.read, "--base"),
        help="the commit to compare with, by any name that git knows",
    )
    parser.add_argument(
        "--figure",
        metavar="NAME",
        nargs="+",
        action="extend",
        choices=NAMES,
        help="what to measure, of those below (default: all)",
    )
    parser.add_argument(
        "--rounds",
        metavar="N",
        default=5,
        type=partial(Whole(1, MAX_ROUNDS).read, "--rounds"),
        help="measurements of each side to take medians over (default: 5)",
    )
    for setting in SETTINGS:
        if setting.flag == "--data":
            add_setting(parser, setting)
        elif setting.flag == "--train-limit":
            add_setting(parser, setting._replace(unset="the figure's own number"))
    parser.add_argument("--json", action="store_true", help="an object with every number")
    return parser


def find_commit(name: str) -> str:
    """Return the full hash of a commit of this source tree.

    Raises:
        InputError: there is none of that name.
    """
    # One that begins with a dash would be an option of git's.
    found = None if name.startswith("-") else _git("rev-parse", "--verify", f"{name}^{{commit}}")
    if found is None:
        hint = "name one that `git log` lists"
        raise InputError("--base", f"a commit of {ROOT}", repr(name[:60]), hint)
    return found.decode().strip()


def put_commit(commit: str, tree: Path) -> None:
    """Write the packages of a commit into a new folder.

    Raises:
        InputError: the commit does not have them.
    """
    archive = _git("archive", "--format=tar", commit, *PACKAGES)
    if archive is None:
        expected = f"a commit with the packages {' and '.join(PACKAGES)}"
        raise InputError("--base", expected, commit[:12], "name a later one")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tree, filter="data")


def put_here(tree: Path) -> None:
    """Copy the packages of this source tree, so that an edit meanwhile changes no measurement."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )


def _git(*arguments: str) -> bytes | None:
    """Return what git prints about this source tree; None where it fails.

    Raises:
        InputError: there is no git.
    """
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True)
    except FileNotFoundError as error:
        raise InputError("", "the program git", "none", "install it") from error
    return done.stdout if done.returncode == 0 else None


def order(rounds: int) -> list[tuple[Side, Side]]:
    """Return which side comes first and which second in each round; neither always comes first."""
    return [SIDES if number % 2 == 0 else (SIDES[1], SIDES[0]) for number in range(rounds)]


def compare(
    figures: Sequence[Figure],
    base: str,
    rounds: int,
    train_limit: int | None = None,
    data: str | None = None,
) -> Comparison:
    """Measure in turn; all files lie in a temporary folder that is removed at the end.

    Args:
        figures: rows of `FIGURES`.
        base: full hash of the commit to compare with.
        rounds: how often each side is measured.
        train_limit: training images of every child; None for each figure's own number.
        data: absolute path of CIFAR-10; None for the usual places.

    Raises:
        InputError: the commit has no packages to measure.
        ChildFailedError: a child failed, or its record lacks what a figure is read from.
    """
    samples: Samples = {row.name: {side: [] for side in SIDES} for row in figures}
    trainings = list(dict.fromkeys(row.training for row in figures))
    here = _git("rev-parse", "--short", "HEAD") or b"unknown"
    is_dirty = bool(_git("status", "--porcelain", "--", *PACKAGES))
    with tempfile.TemporaryDirectory(prefix="cifar-tui-before-after-") as name:
        children = _Children(Path(name).resolve(), base, train_limit, data)
        for number, sides in enumerate(order(rounds), 1):
            for training in trainings:
                rows = [row for row in figures if row.training == training]
                for side in sides:
                    _say(f"round {number} of {rounds}, {side}: {', '.join(r.name for r in rows)}")
                    for row, value in children.measure(side, training, rows).items():
                        samples[row.name][side].append(value)
                        _say(f"  {row.name}: {_number(value)} {row.unit}")
    machine = describe_machine(children.device, ())
    return Comparison(
        figures=tuple(figures),
        samples=samples,
        rounds=rounds,
        train_limit=train_limit,
        base=(_git("rev-parse", "--short", base) or base.encode()).decode().strip(),
        here=here.decode().strip(),
        is_dirty=is_dirty,
        cpu=machine.cpu,
        cores=machine.cores,
        device=machine.device,
        day=date.today().isoformat(),
    )


class _Children:
    """The processes of both sides, over one folder that holds both trees."""

    def __init__(self, folder: Path, base: str, train_limit: int | None, data: str | None) -> None:
        self._folder = folder
        self._train_limit, self._data = train_limit, data
        self._log = folder / "stderr.log"
        self.device = ""
        (folder / ALL_LAYERS_FILE).write_text(ALL_LAYERS, encoding="utf-8")
        put_commit(base, folder / "base")
        put_here(folder / "here")
        for side in SIDES:
            self._check_tree(side)

    def measure(
        self, side: Side, training: Training, figures: Sequence[Figure]
    ) -> dict[Figure, float]:
        """Train once and read the figures from the record."""
        ends_early = not any(row.needs_end for row in figures)
        with tempfile.TemporaryDirectory(prefix="child-", dir=self._folder) as name:
            events = self._train(side, training, Path(name), ends_early=ends_early)
        self.device = next((e.get("device", "") for e in _of(events, "RunStarted")), "")
        measured = {}
        for row in figures:
            try:
                measured[row] = row.read(events)
            except (ValueError, LookupError, TypeError) as error:
                raise ChildFailedError(f"{row.name} of {side}: record: {error}") from error
        return measured

    def _train(
        self, side: Side, training: Training, folder: Path, *, ends_early: bool
    ) -> list[Event]:
        said = ""

        def hear(line: str) -> None:
            nonlocal said
            event = event_of(line)
            if event.get("event") == "RunEnded":
                said = str(event.get("error") or "")
            if ends_early and event.get("phase") == "testing":
                raise _AllMeasuredError

        runs_dir = folder / "runs"
        command = train_command(training, runs_dir, self._train_limit, self._data)
        added: list[Event] = []
        try:
            # Not where a relative path would find this source tree.
            with chdir(self._folder):
                peak = run_child(side, command, self._environment(side, folder), hear, self._log)
            added.append({"event": PROCESS_ENDED, "peak_bytes": peak})
        except _AllMeasuredError:
            pass
        except ChildFailedError as failure:
            # The run itself says better than its process why it failed.
            raise ChildFailedError(f"{side} failed: {said}" if said else str(failure)) from failure
        return [*read_record(runs_dir), *added]

    def _environment(self, side: Side, folder: Path) -> dict[str, str]:
        """With all that a training keeps in a folder of its own, so that no child helps another."""
        places = {CACHE_VARIABLE: "cache", CONFIG_VARIABLE: "config", "TMPDIR": "tmp"}
        for place in places.values():
            (folder / place).mkdir(exist_ok=True)
        own = {variable: str(folder / place) for variable, place in places.items()}
        return {**os.environ, **own, "PYTHONPATH": str(self._folder / side)}

    def _check_tree(self, side: Side) -> None:
        """Check that a child imports this side: some installations come before PYTHONPATH."""
        lines: list[str] = []
        code = "import engine, tui; print(engine.__file__, tui.__file__, sep='\\n')"
        command = [sys.executable, "-P", "-c", code]
        with tempfile.TemporaryDirectory(prefix="child-", dir=self._folder) as name, chdir(name):
            environment = self._environment(side, Path(name))
            run_child(side, command, environment, lines.append, self._log)
        tree = self._folder / side
        for line in lines:
            if not Path(line).resolve().is_relative_to(tree):
                raise ChildFailedError(f"{side} failed: expected packages of {tree}, found {line}")


class _AllMeasuredError(Exception):
    """The child has done all that is measured; its final test would only take time."""


def train_command(
    training: Training, runs_dir: Path, train_limit: int | None, data: str | None
) -> list[str]:
    """Return the command line of a child, in which the tree to measure is on PYTHONPATH."""
    given = [
        *training.options,
        "--dataset=cifar10",
        f"--batch-size={BATCH}",
        f"--train-limit={train_limit or training.images}",
        f"--runs-dir={runs_dir}",
        "--seed=0",
        "--json",
    ]
    if data is not None:
        given.append(f"--data={data}")
    return [sys.executable, "-P", "-m", "tui", "train", training.model, *given]


def read_record(runs_dir: Path) -> list[Event]:
    """Return the events of the one run in a folder; none where it has no record."""
    events = []
    for path in runs_dir.glob("*/events.jsonl"):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        events += [event for line in lines if (event := event_of(line))]
    return events


def event_of(line: str) -> Event:
    """Return the event of a line; nothing where it has none, as where its writer was killed."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) and "event" in event else {}


def markdown(compared: Comparison) -> str:
    """Return the table, with a line on what was measured where above it."""
    lines = [
        caption(compared),
        "",
        "| | Base | Least to most | Here | Least to most | Ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in compared.figures:
        cells = [f"{row.meaning}, {row.unit}"]
        for side in SIDES:
            values = compared.samples[row.name][side]
            cells.append(_number(statistics.median(values)))
            cells.append(f"{_number(min(values))} to {_number(max(values))}")
        lines.append(f"| {' | '.join(cells)} | {improvement(row, compared.samples):.2f} |")
    note = "Ratio of the medians: above 1, this tree is faster than the base, or takes less memory."
    return "\n".join([*lines, "", note])


def improvement(figure: Figure, samples: Samples) -> float:
    """Return how many times as good the median of this tree is: above 1 faster, or less memory."""
    base, here = (statistics.median(samples[figure.name][side]) for side in SIDES)
    return here / base if figure.is_rate else base / here


def caption(compared: Comparison) -> str:
    """Return the line that says on what and of what the figures are."""
    limit, rounds = compared.train_limit, compared.rounds
    parts = [
        f"{compared.cpu or 'unknown processor'}, {compared.cores} cores, {compared.device}",
        compared.day,
        f"base {compared.base}",
        f"here {compared.here}{' with uncommitted changes' if compared.is_dirty else ''}",
        f"medians of {rounds} alternating rounds" if rounds > 1 else "one round",
    ]
    if limit is not None:
        parts.append(f"the first {limit:,} training images")
    return "; ".join(parts)


def as_json(compared: Comparison) -> str:
    """Return all numbers as an object of JSON."""
    names = ("base", "here", "is_dirty", "cpu", "cores", "device", "day", "rounds", "train_limit")
    figures = {
        row.name: {
            "meaning": row.meaning,
            "unit": row.unit,
            "images": compared.train_limit or row.training.images,
            **compared.samples[row.name],
            "ratio": improvement(row, compared.samples),
        }
        for row in compared.figures
    }
    plain = {name: getattr(compared, name) for name in names} | {"figures": figures}
    return json.dumps(plain, indent=1, allow_nan=False, ensure_ascii=False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
