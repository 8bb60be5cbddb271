"""The benchmark against an earlier commit: what it reads, in which order, and what it prints."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import before_after
import pytest
from before_after import (
    ALL_LAYERS,
    ALL_LAYERS_FILE,
    FIGURES,
    PROCESS_ENDED,
    Comparison,
    Figure,
    Samples,
    as_json,
    compare,
    find_commit,
    main,
    markdown,
    order,
    put_commit,
    read_record,
    train_command,
)
from notebook_comparison import ChildFailedError
from notebook_comparison.child import run_child

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.recipe_store import read_recipe
from engine.config.stage import Stage
from engine.errors import InputError
from tui.cli.arguments import chosen_options
from tui.cli.parser import build_parser

TESTS = Path(__file__).resolve().parents[1]
BY_NAME = {figure.name: figure for figure in FIGURES}


def epoch(stage: int, rate: float | None, validation_seconds: float) -> dict[str, Any]:
    return {
        "event": "EpochEnded",
        "stage": stage,
        "images_per_second": rate,
        "train_seconds": 10.0,
        "validation_seconds": validation_seconds,
    }


EVENTS: list[dict[str, Any]] = [
    {"event": "RunStarted", "data": {"validation_images": 50}, "device": "cpu:0"},
    {"event": "PhaseProgressed", "time": 1.0, "done": 3, "total": 9},
    {"event": "PhaseProgressed", "time": 3.5, "done": 100, "total": 500},
    {"event": "PhaseProgressed", "time": 3.9, "done": 500, "total": 500},
    {"event": "FeaturesReady", "time": 2.0, "source": "cache", "images": 9, "seconds": 1.0},
    {"event": "FeaturesReady", "time": 4.0, "source": "extracted", "images": 500, "seconds": 2.0},
    epoch(1, 9999.0, 7.0),
    epoch(1, 9999.0, 7.0),
    # The first of a stage traces: its rate may be null, its validation is slow.
    epoch(2, None, 5.0),
    epoch(2, 640.0, 0.5),
    {"event": PROCESS_ENDED, "peak_bytes": 3 * 2**20},
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("extraction-96", 250),
        ("pace-96", 800),
        ("step-last30-96", 100),
        ("validation-all-128", 100),
        ("head-96", 640),
        ("whole-notebook-96", 2 + 4 * 10 + 7 + 7 + 5 + 0.5),
        ("peak-memory", 3),
    ],
)
def test_a_figure_is_read_from_the_events(name: str, value: float) -> None:
    assert BY_NAME[name].read(EVENTS) == pytest.approx(value)


def test_the_record_of_an_earlier_version_is_read() -> None:
    (path,) = (TESTS / "golden/runs").glob("*-efficientnetlite0/events.jsonl")
    events = [before_after.event_of(line) for line in path.read_text("utf-8").splitlines()]
    measured = {row.name: row.read(events) for row in FIGURES if not row.needs_end}
    assert all(0 < value < 1e5 for value in measured.values())
    assert measured["pace-96"] > 2 * measured["extraction-96"]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
@pytest.mark.parametrize("events", [[], EVENTS[:4], [EVENTS[0], epoch(1, None, 5.0)]])
def test_a_record_without_the_figure_is_said_to_lack_it(
    figure: Figure, events: list[dict[str, Any]]
) -> None:
    with pytest.raises(ValueError, match=r"expected .*, found"):
        figure.read(events)


def test_an_extraction_of_a_single_batch_has_no_pace() -> None:
    with pytest.raises(ValueError, match="expected images and their time, found 0"):
        BY_NAME["pace-96"].read([EVENTS[1], {**EVENTS[2], "done": 500}, EVENTS[5]])
    with pytest.raises(ValueError, match="found none"):
        BY_NAME["pace-96"].read([EVENTS[1], EVENTS[5]])


def test_what_was_not_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="found None in 1 s"):
        BY_NAME["head-96"].read([epoch(1, 5.0, 1.0), epoch(1, None, 1.0)])


def test_a_torn_line_of_a_record_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "events.jsonl").write_text('{"event": "A"}\n[1]\n{}\n{"event": "B')
    assert read_record(tmp_path) == [{"event": "A"}]
    assert read_record(tmp_path / "run") == []


def test_neither_side_always_comes_first() -> None:
    base_first, here_first = ("base", "here"), ("here", "base")
    assert order(1) == [base_first]
    assert order(5) == [base_first, here_first, base_first, here_first, base_first]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_the_program_takes_the_options_of_every_figure(
    figure: Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(ALL_LAYERS_FILE).write_text(ALL_LAYERS)
    command = train_command(figure.training, Path("r"), None, None)
    assert command[1:5] == ["-P", "-m", "tui", "train"]
    arguments = build_parser().parse_args(command[4:])
    (spec,) = plan_runs([find_backbone(figure.training.model)], chosen_options(arguments))
    assert arguments.json
    assert (spec.batch_size, spec.train_limit) == (64, figure.training.images)
    assert str(spec.image_size) == figure.name.rpartition("-")[2] or figure.name == "peak-memory"
    assert spec.view_count == (2 if spec.flip else 1)


def test_a_limit_and_data_replace_the_figures_own() -> None:
    command = train_command(FIGURES[0].training, Path("r"), 7, "/data")
    assert {"--train-limit=7", "--data=/data"} < {*command}


def test_the_recipe_of_all_layers_is_one_stage_of_two_epochs(tmp_path: Path) -> None:
    path = tmp_path / ALL_LAYERS_FILE
    path.write_text(ALL_LAYERS)
    assert read_recipe(path).stages == (Stage("all", 2, 1e-5, None),)


def compared(figures: Sequence[Figure], samples: Samples, limit: int | None = None) -> Comparison:
    return Comparison(
        figures=tuple(figures),
        samples=samples,
        rounds=3,
        train_limit=limit,
        base="abc1234",
        here="def5678",
        is_dirty=True,
        cpu="A Processor",
        cores=2,
        device="cpu:0",
        day="2026-11-30",
    )


SAMPLES: Samples = {
    "extraction-96": {"base": [900.0, 1000.0, 1100.0], "here": [1400.0, 1500.0, 1600.4]},
    "step-last30-96": {"base": [60.0, 61.0, 50.0], "here": [80.0, 75.0, 120.25]},
}
MEASURED = [BY_NAME[name] for name in SAMPLES]


def test_the_table_is_markdown_to_keep() -> None:
    assert markdown(compared(MEASURED, SAMPLES)).splitlines() == [
        "A Processor, 2 cores, cpu:0; 2026-11-30; base abc1234; here def5678 with uncommitted "
        "changes; medians of 3 alternating rounds",
        "",
        "| | Base | Least to most | Here | Least to most | Ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| extraction with its compilation, EfficientNetLite0 at 96 px, images/s | 1,000 "
        "| 900 to 1,100 | 1,500 | 1,400 to 1,600 | 1.50 |",
        "| step of the last 30 layers, EfficientNetLite0 at 96 px, batch 64, ms | 60.0 "
        "| 50.0 to 61.0 | 80.0 | 75.0 to 120 | 0.75 |",
        "",
        "Ratio of the medians: above 1, this tree is faster than the base, or takes less memory.",
    ]


def test_the_caption_names_the_limit_that_was_asked_for() -> None:
    caption = markdown(compared(MEASURED, SAMPLES, 5000)).splitlines()[0]
    assert caption.endswith("; the first 5,000 training images")


def test_json_has_every_number() -> None:
    plain = json.loads(as_json(compared(MEASURED, SAMPLES)))
    assert (plain["base"], plain["here"], plain["is_dirty"]) == ("abc1234", "def5678", True)
    extraction = plain["figures"]["extraction-96"]
    assert {side: extraction[side] for side in ("base", "here")} == SAMPLES["extraction-96"]
    assert (extraction["unit"], extraction["ratio"]) == ("images/s", 1.5)


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(before_after.ROOT), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree of two packages with one commit, and an edit since."""
    root = tmp_path / "tree"
    monkeypatch.setattr(before_after, "ROOT", root)
    for package in ("engine", "tui"):
        (root / package / "__pycache__").mkdir(parents=True)
        (root / package / "__init__.py").write_text("at = 'base'\n")
    (root / ".gitignore").write_text("__pycache__\n")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "A commit")
    (root / "engine" / "__init__.py").write_text("at = 'here'\n")
    return root


def test_the_packages_of_a_commit_are_put_beside(tree: Path, tmp_path: Path) -> None:
    put_commit(find_commit("HEAD"), tmp_path / "beside")
    assert sorted(path.name for path in (tmp_path / "beside").iterdir()) == ["engine", "tui"]
    assert (tmp_path / "beside/engine/__init__.py").read_text() == "at = 'base'\n"


def test_a_commit_without_the_packages_is_rejected(tree: Path, tmp_path: Path) -> None:
    git("rm", "-r", "--quiet", "--cached", "tui")
    git("commit", "--quiet", "--message", "Another")
    with pytest.raises(InputError, match="expected a commit with the packages engine and tui"):
        put_commit(find_commit("HEAD"), tmp_path / "beside")


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands in for trainings: writes `EVENTS`; gives the code that each would have run."""
    trained: list[str] = []

    def run(
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
        log: Path,
    ) -> int:
        if "train" not in command:
            return run_child(name, command, environment, on_line, log)
        package = Path(environment["PYTHONPATH"], "engine")
        assert not (package / "__pycache__").exists()
        trained.append((package / "__init__.py").read_text().split("'")[1])
        assert list(Path(environment["CIFAR_TUI_CACHE"]).iterdir()) == []
        assert Path.cwd() == package.parents[1]
        (runs_dir,) = (a.partition("=")[2] for a in command if a.startswith("--runs-dir="))
        Path(runs_dir, "run").mkdir(parents=True)
        lines = "".join(json.dumps(event) + "\n" for event in EVENTS[:-1])
        Path(runs_dir, "run", "events.jsonl").write_text(lines)
        on_line(json.dumps({"event": "PhaseChanged", "phase": "testing"}))
        trained[-1] += " to its end"
        return 2**20

    monkeypatch.setattr(before_after, "run_child", run)
    # Byte code of the two trees would show that a child shares something.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return trained


def test_figures_of_one_training_share_a_child(
    tree: Path, children: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names = ("extraction-96", "head-96", "step-all-128")
    found = compare([BY_NAME[name] for name in names], find_commit("HEAD"), rounds=2)
    assert children == ["base", "here", "base", "here", "here", "base", "here", "base"]
    assert found.samples["head-96"] == {"base": [640, 640], "here": [640, 640]}
    assert (found.is_dirty, found.device, found.base) == (True, "cpu:0", found.here)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_a_child_whose_memory_is_measured_runs_to_its_end(tree: Path, children: list[str]) -> None:
    with_memory = [BY_NAME["extraction-128"], BY_NAME["peak-memory"]]
    hears_all = compare(with_memory, find_commit("HEAD"), rounds=1)
    assert children == ["base to its end", "here to its end"]
    assert hears_all.samples["peak-memory"] == {"base": [1], "here": [1]}


def test_an_interrupt_leaves_nothing_behind(
    tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(before_after, "run_child", interrupt)
    before = Path.cwd()
    with pytest.raises(KeyboardInterrupt):
        compare(FIGURES, find_commit("HEAD"), rounds=1)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    assert Path.cwd() == before


def test_a_child_that_imports_another_tree_is_not_measured(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_other(
        name: str, command: object, environment: object, on_line: Callable[[str], None], log: Path
    ) -> int:
        on_line("/elsewhere/engine/__init__.py")
        return 0

    monkeypatch.setattr(before_after, "run_child", import_other)
    with pytest.raises(ChildFailedError, match=r"base failed: expected .*, found /elsewhere"):
        compare(FIGURES, find_commit("HEAD"), rounds=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--base", "no-such"], "--base: expected a commit of "),
        (["--base=--all"], "found '--all'; name one that `git log` lists"),
        (["--rounds", "2"], "expected --base, found nothing; see `python tests/benchmarks/"),
        (["--base", "HEAD", "--rounds", "0"], "--rounds: expected 1 to 100, found 0"),
        (["--base", "HEAD", "--rounds", "x"], "--rounds: expected a whole number, found 'x'"),
        (["--base", "HEAD", "--train-limit", "0"], "--train-limit: expected "),
        (["--base", "HEAD", "--data", "nowhere"], "expected "),
        (
            ["--base", "HEAD", "--figure", "head-96", "extracton-96"],
            "found 'extracton-96'; did you mean extraction-96?",
        ),
        (["--base", "HEAD", "--figures", "a"], "found '--figures'; did you mean --figure?"),
    ],
)
def test_bad_input_is_rejected_in_one_line(
    given: list[str], said: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err
