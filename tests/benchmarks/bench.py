"""How long the exercise's notebook takes as plain Keras, and how long with this engine.

    python tests/benchmarks/bench.py [--model EfficientNetLite0] [--train-limit 5000] [--json]

Each training is a process of its own, one after the other; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

# The source tree that this file belongs to is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from command_line import interrupted_by_signals, read_arguments
from notebook_comparison import ChildFailedError, check_bench, run_bench
from notebook_comparison.report import markdown, text

from engine.api.planning import with_weights
from engine.backbones.catalogue import find_backbone
from engine.common.codec import to_plain
from engine.config.kinds import Whole
from engine.config.planning import plan_runs
from engine.config.recipe import NOTEBOOK
from engine.config.settings import SETTINGS
from engine.config.spec import RunSpec
from engine.datasets.loading import check_dataset
from engine.keras_setup.loading import check_can_compute
from engine.weights.locate import check_weights_option
from tui.__main__ import exit_status
from tui.cli.arguments import TEXT, add_setting, chosen_options, default_runs_dir
from tui.cli.output import use_utf8
from tui.cli.usage import OneLineParser

PROGRAM = "python tests/benchmarks/bench.py"
MODEL = "EfficientNetLite0"
OF_NOTEBOOK: dict[str, Any] = {
    "of_recipe": None,
    "usual": [stage.epochs for stage in NOTEBOOK.stages],
}
"""What the row of `--epochs` says of the default."""
SHARED_FLAGS = (
    "--dataset",
    "--data",
    "--epochs",
    "--image-size",
    "--batch-size",
    "--train-limit",
    "--weights",
)
"""The options of `cifar-tui train` that the benchmark has as well."""


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
    spec = plan(arguments)
    check_bench(spec, arguments.repeat)
    try:
        with interrupted_by_signals():
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


def build_parser() -> OneLineParser:
    """The parser of the benchmark's options."""
    parser = OneLineParser(
        prog=PROGRAM,
        description="Time the exercise's notebook against this engine.",
        epilog=f"examples:\n  {PROGRAM} --train-limit 5000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--model",
        default=MODEL,
        type=partial(TEXT.read, "--model"),
        help=f"one with a pretrained backbone (default: {MODEL})",
    )
    for setting in SETTINGS:
        if setting.flag in SHARED_FLAGS:
            is_fixed = setting.flag == "--epochs"
            add_setting(parser, setting._replace(**(OF_NOTEBOOK if is_fixed else {})))
    parser.add_argument(
        "--repeat",
        metavar="N",
        default=1,
        type=partial(Whole(1, 100).read, "--repeat"),
        help="rounds to take medians over (default: 1)",
    )
    parser.add_argument(
        "--plain-path", action="store_true", help="time this engine without kept features, too"
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="an object with every figure")
    forms.add_argument("--markdown", action="store_true", help="a table for a README")
    return parser


def plan(arguments: argparse.Namespace) -> RunSpec:
    """The engine's run: the notebook's recipe, validated on the test split as the notebook does.

    Raises:
        InputError: an option does not hold.
    """
    check_can_compute()
    backbone = find_backbone(arguments.model)
    options = replace(chosen_options(arguments), recipe=NOTEBOOK.name, validation="test")
    options, _ = with_weights(options, default_runs_dir())
    (spec,) = plan_runs([backbone], options)
    check_dataset(options)
    check_weights_option(backbone, options.weights)
    return spec


def engine_command(spec: RunSpec, runs_dir: Path, feature_cache: bool) -> list[str]:
    """The command line that trains `spec` as a user would, in a process of its own."""
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


if __name__ == "__main__":
    sys.exit(main())
