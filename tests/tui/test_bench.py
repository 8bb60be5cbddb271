"""The benchmark's command line: what it asks of the engine, what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.backbones.catalogue import find_backbone
from engine.bench import Bench, Machine, Measurement
from engine.config.planning import plan_runs
from engine.config.spec import RunSpec
from tui.__main__ import main
from tui.cli.bench import engine_command, plan
from tui.cli.bench_report import markdown, text
from tui.cli.options import chosen_options
from tui.cli.parser import build_parser, join_values


def planned(*arguments: str) -> RunSpec:
    return plan(build_parser().parse_args(["bench", *arguments]))


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
    arguments = build_parser().parse_args(join_values(command[4:]))
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
        (["--json", "--markdown"], "not allowed with"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--dataset=digits", *given]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err


@pytest.fixture
def bench() -> Bench:
    """A benchmark of known figures."""
    notebook = Measurement(7.5, {"training": 1_240.0}, 1_240.0, (712.0, 528.0), 0.832, 3 * 2**30)
    engine = {"extracting": 60.0, "tracing": 5.0, "training": 100.0, "validating": 12.0}
    cold = Measurement(8.0, engine, 177.0, (80.0, 97.0), 0.856, 2**31)
    warm = Measurement(8.0, engine | {"extracting": 0.0}, 117.0, (20.0, 97.0), 0.856, 2**31)
    medians = {"notebook": notebook, "cold": cold, "warm": warm}
    return Bench(
        spec=planned("--dataset=digits"),
        machine=Machine(
            cpu="AMD EPYC",
            cores=2,
            memory_bytes=2**34,
            gpus=(),
            device="cpu:0",
            backend="tensorflow",
            versions={"keras": "3.15.1", "tensorflow": "2.21.0"},
            revision=None,
        ),
        medians=medians,
        ratios={"cold": 7.005, "warm": 10.6, "head_warm": 35.6},
        rounds=(medians,),
    )


def test_the_table_is_aligned_and_ends_in_the_ratios(bench: Bench) -> None:
    lines = text(bench).splitlines()
    assert lines[0].startswith("EfficientNetLite0 at 96 px; all training images of digits; 5+3")
    assert lines[0].endswith("cpu:0: 2 cores, AMD EPYC; Keras 3.15.1 on tensorflow 2.21.0")
    title, *rows = lines[2:6]
    assert title.split("  ")[0] == "seconds"
    assert len({len(line) for line in (title, *rows)}) == 1
    assert rows[0].split()[:4] == ["plain", "Keras", "(7.5)", "-"]
    assert "1,240.0" in rows[0]
    cells = "cold (8.0) 60.0 5.0 100.0 12.0 177.0 80.0 97.0 0.8560 2.00 GB"
    assert " ".join(rows[1].split()) == cells
    assert lines[-3:] == [
        "plain Keras takes 7.0 times as long (cold)",
        "plain Keras takes 10.6 times as long (warm)",
        "plain Keras takes 35.6 times as long (head only, warm)",
    ]


def test_markdown_has_the_same_cells(bench: Bench) -> None:
    table = [line for line in markdown(bench).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert len(table) == 2 + 3
    assert "| 1,240.0 | 712.0 | 528.0 | 0.8320 | 3.00 GB |" in table[2]
