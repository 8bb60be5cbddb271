"""The benchmark's command line: what it takes, and what it asks of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import build_parser as build_bench_parser
from bench import engine_command, main, plan
from command_line import read_arguments

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.spec import RunSpec
from tui.cli.arguments import chosen_options
from tui.cli.parser import build_parser


def planned(*arguments: str) -> RunSpec:
    return plan(read_arguments(build_bench_parser(), arguments))


GIVEN = ["--model=mobilenetv2", "--dataset=digits", "--image-size=48", "--epochs=2,1"]
GIVEN += ["--train-limit=500", "--batch-size=32", "--weights=none"]


def test_without_options_it_is_the_exercise() -> None:
    spec = planned("--dataset=digits")
    assert (spec.model, spec.image_size, spec.batch_size) == ("EfficientNetLite0", 96, 64)
    assert [stage.epochs for stage in spec.stages] == [5, 3]
    assert (spec.recipe, spec.validation, spec.train_limit) == ("notebook", "test", None)


@pytest.mark.parametrize("given", [["--dataset=digits"], GIVEN])
def test_the_engine_is_started_to_train_that_very_spec(given: list[str]) -> None:
    spec = planned(*given)
    command = engine_command(spec, Path("r"), feature_cache=True)
    arguments = build_parser().parse_args(command[4:])
    (again,) = plan_runs([find_backbone(spec.model)], chosen_options(arguments))
    assert command[:4][1:] == ["-P", "-m", "tui"]
    assert (again, arguments.json, arguments.runs_dir) == (spec, True, Path("r"))


def test_the_plain_path_keeps_no_features() -> None:
    command = engine_command(planned(*GIVEN), Path("r"), feature_cache=False)
    assert command[-1] == "--no-feature-cache"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--model", "CustomCNN"], "--model: expected one with a pretrained backbone"),
        (["--model", "MobilNetV2"], "did you mean MobileNetV2?"),
        (["--repeat", "-1"], "--repeat: expected 1 to 100, found -1"),
        (["--repeat", "x"], "--repeat: expected a whole number, found 'x'"),
        (["--epochs", "0"], "--epochs: expected 1 to"),
        (["--json", "--markdown"], "no --json beside it"),
        (["--epoch", "5"], "found '--epoch'; did you mean --epochs? see `python tests/benchmarks/"),
        (["more"], "expected an option of python tests/benchmarks/bench.py, found 'more'"),
    ],
)
def test_bad_input_is_rejected_in_one_line(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dataset=digits", *given]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_without_a_place_for_temporary_files_a_short_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: ["/proc/nowhere"])
    assert main(["--dataset=digits", "--weights=none"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("cifar-tui: expected a folder for temporary files, found")
    assert printed.endswith("set TMPDIR to a folder that can be written\n")
    assert printed.count("\n") == 1
