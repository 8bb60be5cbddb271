"""`cifar-tui bench`: the exercise's notebook as plain Keras against this engine, measured."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.backbones.catalogue import find_backbone
from engine.bench import ChildFailedError, check_bench, run_bench
from engine.common.codec import to_plain
from engine.common.folders import check_temporary_folder
from engine.config.options import Options
from engine.config.planning import plan_runs
from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec
from engine.datasets.loading import check_dataset
from engine.keras_setup.loading import check_backend
from engine.weights.locate import check_weights_option
from tui.cli.bench_report import markdown, text
from tui.cli.options import TRAIN_OPTIONS, default_runs_dir
from tui.cli.output import use_utf8
from tui.cli.parser import BENCH_FLAGS
from tui.cli.train import with_weights


def run(arguments: argparse.Namespace) -> int:
    """Measure and print.

    Returns:
        The exit status: 0 measured, 1 a process failed, 130 interrupted.

    Raises:
        InputError: an option does not hold.
    """
    spec = plan(arguments)
    check_temporary_folder()
    check_bench(spec, arguments.repeat)
    try:
        with _interrupted_by_signals():
            bench = run_bench(
                spec,
                engine_command,
                _say,
                rounds=arguments.repeat,
                with_plain=arguments.plain_path,
            )
    except ChildFailedError as error:
        print(f"cifar-tui: bench: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        use_utf8(sys.stdout)
        print(json.dumps(to_plain(bench), indent=1, allow_nan=False, ensure_ascii=False))
    else:
        print(markdown(bench) if arguments.markdown else text(bench))
    return 0


def plan(arguments: argparse.Namespace) -> RunSpec:
    """The engine's run: the notebook's recipe, validated on the test split as the notebook does.

    Raises:
        InputError: an option does not hold.
    """
    check_backend()
    backbone = find_backbone(arguments.model)
    shared = [option.field for option in TRAIN_OPTIONS if option.flag in BENCH_FLAGS]
    given = {field: getattr(arguments, field) for field in shared}
    given = {field: value for field, value in given.items() if value is not None}
    options = Options(**given, recipe=NOTEBOOK.name, validation="test")
    options = with_weights(options, default_runs_dir())
    (spec,) = plan_runs([backbone], options)
    check_dataset(spec.dataset, spec.data_path, train_limit=spec.train_limit)
    check_weights_option(backbone, options.weights)
    return spec


def engine_command(spec: RunSpec, runs_dir: Path, feature_cache: bool) -> list[str]:
    """The command line that trains `spec` as a person would, in a process of its own."""
    options = {
        "--recipe": spec.recipe,
        "--dataset": spec.dataset,
        "--data": spec.data_path,
        "--epochs": ",".join(str(stage.epochs) for stage in spec.stages),
        "--image-size": spec.image_size,
        "--batch-size": spec.batch_size,
        "--train-limit": spec.train_limit,
        "--validation": spec.validation,
        "--seed": spec.seed,
        "--weights": spec.weights,
        "--runs-dir": runs_dir,
    }
    given = [f"{flag}={value}" for flag, value in options.items() if value is not None]
    switches = ["--json"] if feature_cache else ["--json", "--no-feature-cache"]
    return [sys.executable, "-P", "-m", "tui", "train", spec.model, *given, *switches]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Let what would end this process at once end the one that it measures, too."""
    # A shell starts its background jobs with SIGINT ignored; who sends it means it all the same.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup has SIGHUP ignored
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
