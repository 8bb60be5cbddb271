"""The command line as it is called: exit status, the one line of bad input, what is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.config.dataset_names import BUILT_IN
from engine.config.planning import plan_runs
from engine.config.recipe import DEFAULT_RECIPE, RECIPES, default_text, recipe_defaults
from engine.config.settings import SETTINGS, Options
from tui.__main__ import main
from tui.cli.arguments import chosen_options
from tui.cli.parser import build_parser

WriteRun = Callable[..., str]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIFAR_TUI_RUNS", raising=False)


def rejection(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line with which a command line is rejected."""
    before = sorted(Path().rglob("*"))
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("cifar-tui: ")
    assert printed.err.count("\n") == 1
    assert sorted(Path().rglob("*")) == before
    return printed.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "EficientNetLite0"], ["'EficientNetLite0'", "did you mean EfficientNetLite0?"]),
        (
            ["train", "CustomCNN", "--dataset", "mnist"],
            ["a folder of images", "'mnist'"],
        ),
        (["train", "CustomCNN", "--data", "nowhere"], ["nowhere"]),
        (
            ["train", "EfficientNetLite0", "--image-size", "16"],
            ["--image-size", "32 px or more", "16"],
        ),
        (["train", "CustomCNN", "--epochs", "0"], ["--epochs", "1 to", "found 0"]),
        (["train", "CustomCNN", "--epochs", "-1,2"], ["--epochs", "1 to", "found -1"]),
        (["train", "CustomCNN", "--epochs", "1,2,3"], ["--epochs", "at most 2", "found 3"]),
        (["train", "VGG16", "--unfreeze-after", "-1:60"], ["--unfreeze-after", "found -1"]),
        (["train", "VGG16", "--unfreeze-after", "1:60"], ["below the last stage's 1", "found 1"]),
        (
            ["train", "VGG16", "--unfreeze-after", "1:60", "--unfreeze-blocks", "1"],
            ["--unfreeze-after: expected no --unfreeze-blocks"],
        ),
        (["train", "VGG16", "--unfreeze-blocks", "5"], ["--unfreeze-blocks", "found 5"]),
        (
            ["train", "CustomCNN", "--patience", "2", "--validation", "test"],
            ["--patience", "the test split"],
        ),
        (["train", "CustomCNN", "--recipe", "magic"], [" or ".join(RECIPES), "'magic'"]),
        (["train", "EfficientNetLite0", "--weights", "no.h5"], ["no.h5"]),
        (["train", "CustomCNN", "--epochs"], ["--epochs"]),
        (["train", "CustomCNN", "--color"], ["--color"]),
        (["train"], ["MODEL"]),
        (["trian"], ["expected a command, found 'trian'; did you mean train?"]),
        (["tran"], ["did you mean train?"]),
        (["atach"], ["did you mean attach?"]),
        (["bench"], ["expected a command, found 'bench'"]),
        (["xyzzy"], ["found 'xyzzy'; see `cifar-tui --help`"]),
        (["--runs-dir", "x", "tran"], ["'tran'", "did you mean train?"]),
        (["--runs-dir", "x"], ["a terminal to open the launcher on"]),
        (["--runs-dri", "x"], ["'--runs-dri'", "did you mean --runs-dir?"]),
        (["--recpie", "notebook"], ["'--recpie'", "did you mean --recipe?"]),
        (["--dataset", "digits"], ["found '--dataset'; train takes it, after its name; see"]),
        (
            ["--epochs", "5", "train", "CustomCNN"],
            ["an option of cifar-tui, found '--epochs'; train takes it, after its name; see"],
        ),
        (["--epochs", "3", "rank"], ["found '--epochs'; train takes it, after its name"]),
        (["rank", "--epochs", "3"], ["found '--epochs'; train takes it"]),
        (["rank", "--plain"], ["found '--plain'; train takes it"]),
        (["train", "CustomCNN", "--epoch", "5"], ["'--epoch'", "did you mean --epochs?"]),
        (["rank", "--ascii"], ["an option of cifar-tui rank, found '--ascii'; it belongs before"]),
        (["rank", "x"], ["expected nothing more, found 'x'"]),
        (["runs", "delte"], ["list or delete or prune, found 'delte'; did you mean delete?"]),
        (["completion", "zhs"], ["did you mean zsh?"]),
        (["rank", "--csv", "--markdown"], ["no --csv beside it, found both"]),
    ],
)
def test_bad_input_is_rejected_in_one_line(
    arguments: list[str], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    line = rejection([*arguments, *(["--plain"] if arguments[0] == "train" else [])], capsys)
    assert [part for part in said if part not in line] == []


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (
            ["train", "CustomCNN", "--epochs", "0", "--json"],
            {"field": "epochs", "expected": "1 to 10000", "found": "0", "hint": "", "place": ""},
        ),
        (
            ["train", "VGG16", "--json", "--unfreeze-after", "1:60", "--epochs", "5,1"],
            {
                "field": "unfreezes",
                "found": "1",
                "hint": "write the earliest first, or give the stage more --epochs",
            },
        ),
        (
            ["train", "CustomCNN", "--json", "--recipe", "mine.toml"],
            {"field": "recipe", "place": "mine.toml: stages[1].epochs", "found": "0"},
        ),
        (["rank", "--json", "--csv"], {"field": "csv", "expected": "no --json beside it"}),
        (["--json", "rank"], {"expected": "an option of cifar-tui", "found": "'--json'"}),
        (["models", "--json", "--jsn"], {"field": "", "found": "'--jsn'"}),
        (["rank", "--json", "--runs-dir", "x" * 300], {"field": "", "expected": "a path that can"}),
    ],
)
def test_with_json_bad_input_is_an_object(
    arguments: list[str],
    parts: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage = 'name = "head"\nepochs = 0\nlearning_rate = 1\nunfreeze_last = 0\n'
    Path("mine.toml").write_text(f"scratch_learning_rate = 1\n[[stages]]\n{stage}")
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (error,) = json.loads(printed.err).values()
    assert {*error} == {"field", "place", "expected", "found", "hint", "message"}
    assert {part: error[part][: len(text)] for part, text in parts.items()} == parts
    assert f"expected {error['expected']}, found {error['found']}" in error["message"]
    assert printed.err.count("\n") == 1


def test_a_weights_file_that_is_not_one_is_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.h5").write_text("not weights")
    assert "notes.h5" in rejection(
        ["train", "EfficientNetLite0", "--dataset", "digits", "--weights", "notes.h5"], capsys
    )


def test_a_runs_folder_that_cannot_be_made_is_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    arguments = ["train", "CustomCNN", "--dataset", "digits", "--runs-dir", "file/runs"]
    assert "--runs-dir" in rejection(arguments, capsys)


def test_a_runs_folder_is_not_made_for_a_session_that_is_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejection(["train", "CustomCNN", "--runs-dir", "new", "--epochs", "0"], capsys)
    assert not (tmp_path / "new").exists()


def test_without_a_terminal_the_launcher_gives_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    line = rejection([], capsys)
    assert "terminal" in line
    assert "cifar-tui demo" in line


def test_the_runs_folder_may_stand_before_the_command(
    write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = write_run(test=0.5)
    folder = str(write_run.runs_dir)  # type: ignore[attr-defined]
    for arguments in (["--runs-dir", folder, "rank"], [f"--runs-dir={folder}", "rank", "--csv"]):
        assert main(arguments) == 0
        assert "EfficientNetLite0" in capsys.readouterr().out
    assert main(["--runs-dir", "elsewhere", "rank", "--runs-dir", folder, "--json"]) == 0
    assert run_id in capsys.readouterr().out


def test_help_has_every_option_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["train", "--help"])
    assert leaving.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(option.flag in text for option in SETTINGS)
    assert all(f"(default: {default_text(option)})" in text for option in SETTINGS)
    names = [row.name for row in BUILT_IN]
    for value in (*names, *RECIPES, *recipe_defaults(DEFAULT_RECIPE).values()):
        assert value in text


def test_help_says_what_each_recipe_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    recipes = " ".join(text[text.index("\nrecipes:") :].split())
    assert all(f" {name}" in recipes for name in RECIPES)
    assert f"{DEFAULT_RECIPE.name} (default): head" in recipes
    assert "fine-tune 3 epochs at 1e-05, last 30 layers; batch 64" in recipes
    assert "label smoothing" in recipes
    assert "at 0.0003 falling to 0 by a cosine, a block more after each epoch; batch" in recipes
    assert max(map(len, text.splitlines())) <= 80


def test_models_and_the_runs_folder_are_read_beside_options() -> None:
    arguments = build_parser().parse_args(["train", "A", "B", "--crops", "3", "--runs-dir", "r"])
    assert (arguments.models, arguments.runs_dir) == (["A", "B"], Path("r"))
    assert chosen_options(arguments) == Options(views=3)


def test_what_is_not_given_is_the_recipes() -> None:
    given = ["train", "EfficientNetLite0", "--recipe", "recommended", "--learning-rate", "1e-2"]
    options = chosen_options(build_parser().parse_args(given))
    assert (options.flip, options.views, options.feature_cache) == (None, None, True)
    assert (options.unfreezes, options.block_every, options.patience) == ((), None, None)
    (spec,) = plan_runs([find_backbone("EfficientNetLite0")], options)
    assert (spec.test_time_flip, spec.keep, spec.image_size) == (True, "best", 128)


def test_rank_of_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs").mkdir()
    assert main(["rank", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["rank"]) == 0
    assert capsys.readouterr().out == ""


def test_rank_prints_each_form(write_run: WriteRun, capsys: pytest.CaptureFixture[str]) -> None:
    write_run("CustomCNN", test=0.7)
    write_run("VGG16", test=0.8)
    printed = {}
    for form in ([], ["--json"], ["--csv"], ["--markdown"]):
        assert main(["rank", *form]) == 0
        printed["".join(form)] = capsys.readouterr().out
    assert [row["model"] for row in json.loads(printed["--json"])] == ["VGG16", "CustomCNN"]
    assert printed["--csv"].splitlines()[1].split(",")[1] == "VGG16"
    assert printed["--markdown"].startswith("|")
    assert "most accurate: VGG16" in printed[""]


def test_rank_takes_the_folder_from_the_environment_and_names_broken_runs(
    write_run: WriteRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_id = write_run(test=0.7)
    folder = (tmp_path / "runs").rename(tmp_path / "elsewhere")
    (folder / "torn").mkdir()
    (folder / "torn" / "spec.json").write_text("{")
    monkeypatch.setenv("CIFAR_TUI_RUNS", str(folder))
    assert main(["rank", "--json"]) == 0
    printed = capsys.readouterr()
    assert [row["run_id"] for row in json.loads(printed.out)] == [run_id]
    assert "left out torn" in printed.err


def test_rank_of_a_file_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs").touch()
    assert "expected a folder" in rejection(["rank"], capsys)


def test_models_lists_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CATALOGUE) + 1
    assert main(["models", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == [entry.name for entry in CATALOGUE]
    lite0 = next(entry for entry in entries if entry["name"] == "EfficientNetLite0")
    assert lite0["weights"] == "bundled"
    keys = {"parameters", "depth", "flops", "imagenet_top1", "image_size", "min_image_size"}
    assert keys <= set(lite0)


@pytest.mark.parametrize("words", [["--version", "extra"], ["-h", "trian"]])
def test_what_follows_help_or_version_is_not_read(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(words)
    assert capsys.readouterr().out
