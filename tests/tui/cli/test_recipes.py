"""`cifar-tui recipes`: a recipe printed, changed, saved, and trained by."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.recipe import RECIPES
from tui.__main__ import main


def test_a_printed_recipe_is_saved_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipes", "notebook"]) == 0
    text = capsys.readouterr().out
    (tmp_path / "short.toml").write_text(text.replace("epochs = 3", "epochs = 1"))
    assert main(["recipes", "--save", str(tmp_path / "short.toml")]) == 0
    assert capsys.readouterr().out.endswith("`--recipe short` trains with it\n")
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [*RECIPES, "short"]
    assert "fine-tune 1 epoch" in lines[-1]


def test_one_that_no_longer_holds_is_listed_with_the_reason(
    config_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config_dir / "recipes").mkdir(parents=True)
    (config_dir / "recipes" / "old.toml").write_text("colour = 1")
    assert main(["recipes"]) == 0
    assert "old: cannot be used: " in capsys.readouterr().out
    assert main(["recipes", "old"]) == 2
    assert "unknown key 'colour'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["recipes", "nope"], "cifar-tui: NAME: expected notebook or"),
        (["recipes", "notebook", "--save", "x.toml"], "found both"),
        (["recipes", "--save", "nowhere.toml"], "--save: nowhere.toml: expected a readable file"),
        (["recipes", "--save", "~nosuch-user/x.toml"], "expected a readable file"),
        (["train", "VGG16", "--recipe", "~nosuch-user/x.toml"], "expected a readable file"),
        (["train", "VGG16", "--recipe", "nope"], "--recipe: expected notebook or"),
        (["train", "VGG16", "--recipe", "nowhere.toml"], "expected a readable file"),
    ],
)
def test_what_is_not_there_is_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
