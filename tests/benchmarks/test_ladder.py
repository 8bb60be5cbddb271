"""The table of recipes: what is asked of a child, what a row holds, what is printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import ladder
import pytest
from command_line import read_arguments
from ladder import (
    UNIT,
    Ladder,
    Row,
    Training,
    add_row,
    build_parser,
    main,
    markdown,
    notebook_seconds,
    plan,
    read_table,
    train_command,
)

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from tui.cli.arguments import chosen_options
from tui.cli.parser import build_parser as build_program_parser

ROW = Row(
    time="2026-11-30T20:15",
    machine="a processor, 2 cores",
    commit="abcdef0",
    dataset="cifar10",
    model="EfficientNetLite0",
    recipe="recommended",
    images=None,
    seed=0,
    seconds=300.0,
    notebook_seconds=1_200.0,
    validation=0.94,
    test=0.93,
    exported=0.93,
)
SMALL = ["--dataset=digits", "--train-limit=128"]


def planned(*arguments: str) -> list[Training]:
    return plan(read_arguments(build_parser(), arguments))


def test_each_recipe_is_trained_with_each_seed() -> None:
    trainings = planned("notebook", "recommended", "--seed=0,2", *SMALL)
    assert [(each.recipe, each.spec.seed) for each in trainings] == [
        ("notebook", 0), ("notebook", 2), ("recommended", 0), ("recommended", 2),
    ]  # fmt: skip


def test_a_child_trains_that_very_spec() -> None:
    (training,) = planned("recommended", "--seed=3", *SMALL)
    command = train_command(training, Path("r"))
    arguments = build_program_parser().parse_args(command[4:])
    (again,) = plan_runs([find_backbone("EfficientNetLite0")], chosen_options(arguments))
    assert command[:4][1:] == ["-P", "-m", "tui"]
    assert (again, arguments.json, arguments.runs_dir) == (training.spec, True, Path("r"))


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    unit = replace(ROW, recipe=UNIT, images=500, validation=None, test=None, exported=None)
    rows = [ROW, unit, replace(ROW, seconds=None, notebook_seconds=None)]
    for row in rows:
        add_row(tmp_path / "table.csv", row)
    assert read_table(tmp_path / "table.csv") == rows
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_kept_table_can_be_read() -> None:
    rows = read_table(ladder.TABLE)
    assert all(row.seconds is None or row.seconds > 0 for row in rows)
    tested = [row for row in rows if row.test is not None]
    assert all(row.exported == pytest.approx(row.test, abs=2e-4) for row in tested)


def test_the_table_has_means_over_seeds_the_cheapest_first() -> None:
    rows = [
        ROW,
        replace(ROW, seed=1, seconds=420.0, validation=0.95, test=None, exported=None),
        replace(ROW, seed=2, seconds=None, notebook_seconds=None, validation=0.96, test=0.94),
        replace(ROW, recipe="untimed", seconds=None, notebook_seconds=None),
        replace(ROW, recipe="quick", seconds=60.0),
        replace(ROW, recipe=UNIT, validation=None, test=None, exported=None),
    ]
    _, _, quick, recommended, untimed = markdown(rows).splitlines()
    on = "| a processor, 2 cores | EfficientNetLite0, cifar10 |"
    assert quick == f"{on} quick | 0 | 1:00 | 0.05 | 0.9400 | 0.9300 | 0.9300 |"
    means = "0.9500 | 0.9350 | 0.9300"
    assert recommended == f"{on} recommended | 0, 1, 2 | 6:00 | 0.30 | {means} |"
    assert untimed == f"{on} untimed | 0 | – | – | 0.9400 | 0.9300 | 0.9300 |"


def test_a_time_of_the_notebook_counts_for_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (training,) = planned("notebook", *SMALL)
    now = datetime.now()
    unit = replace(ROW, recipe=UNIT, images=128, dataset="digits", machine=ladder.this_machine())
    for minutes, seconds, dataset in ((70, 1.0, "digits"), (30, 2.0, "digits"), (20, 3.0, "other")):
        when = (now - timedelta(minutes=minutes)).isoformat(timespec="minutes")
        add_row(tmp_path / "t.csv", replace(unit, time=when, seconds=seconds, dataset=dataset))
    assert notebook_seconds(training.spec, tmp_path / "t.csv", print, tmp_path) == 2.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["none"], "recipe: expected notebook or "),
        (["quick", "--model", "MobilNetV2"], "did you mean MobileNetV2?"),
        (["quick", "--ensemble"], "--ensemble: expected two or more trainings that are tested"),
        (["--table", "/nowhere/t.csv"], "--table: expected a file in a folder that exists"),
        (["--seeds", "1"], "found '--seeds'; did you mean --seed?"),
    ],
)
def test_bad_input_is_rejected_in_one_line(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *given]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_another_table_is_rejected_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert main(["notebook", *SMALL, "--table", str(tmp_path / "other.csv")]) == 2
    assert "--table: expected columns time, machine, " in capsys.readouterr().err


@pytest.mark.slow("that trainings give their rows, in processes of their own")
def test_small_trainings_give_their_rows(tmp_path: Path) -> None:
    table, said = tmp_path / "table.csv", list[str]()
    ladder = Ladder(table, tmp_path / "runs", said.append)
    (training,) = planned("notebook", *SMALL)
    ladder.measure(training, tests=True, times=True)
    ladder.measure(training, tests=True, times=False)
    ladder.combine()
    ladder.measure(training, tests=False, times=True)
    unit, tested, untimed, combined, untested = read_table(table)
    assert unit.recipe == UNIT
    assert tested.notebook_seconds == untested.notebook_seconds == unit.seconds
    assert unit.seconds is not None
    assert tested.seconds is not None
    assert min(unit.seconds, tested.seconds) > 0
    assert (tested.images, tested.seed, tested.validation) == (128, 0, untested.validation)
    assert tested.test == tested.exported == untimed.test == combined.test == combined.exported
    assert (untimed.seconds, combined.seconds) == (None, tested.seconds)
    assert (untested.test, untested.exported) == (None, None)
    assert said[-1].startswith("notebook, seed 0: ")
