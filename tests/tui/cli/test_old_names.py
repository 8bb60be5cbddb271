"""Old names of options: taken, told of in a line each, and shown nowhere."""

from __future__ import annotations

import json
import re

import pytest

from engine.common.text import did_you_mean
from engine.config.settings import SETTINGS
from engine.errors import InputError
from tui.__main__ import main
from tui.cli.old_names import OLD_NAMES
from tui.cli.parser import build_parser
from tui.settings.option_names import as_label

PARSER = build_parser()
NAMES = [(command, old, new) for command, names in OLD_NAMES.items() for old, new in names.items()]
BEFORE = {"train": ["VGG16"], "rank": [], "report": [], "export": ["vgg16", "--format", "csv"]}
"""What a command takes beside the option."""


def given(command: str, name: str, new: str, *, joined: bool) -> list[str]:
    """A command line with an option under a name, its value joined to it or behind it."""
    flag, _, value = name.partition(" ")
    value = value or ("1" if PARSER.commands[command].flags()[new] else "")
    option = [f"{flag}={value}"] if joined and value else [flag, *([value] if value else [])]
    return [command, *BEFORE[command], *option]


@pytest.mark.parametrize("joined", [False, True], ids=["apart", "joined"])
@pytest.mark.parametrize(("command", "old", "new"), NAMES)
def test_an_old_name_means_the_new_one_and_says_so_in_a_line(
    command: str, old: str, new: str, joined: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = PARSER.parse_args(given(command, new, new, joined=joined))
    assert capsys.readouterr().err == ""
    words = given(command, old, new, joined=joined)
    assert PARSER.parse_args(words) == expected
    line = f"cifar-tui: {old} is now {new}; the old name goes away in the next version\n"
    assert capsys.readouterr().err == line
    assert PARSER.parse_args([*words, *words[1 + len(BEFORE[command]) :]]) == expected
    assert capsys.readouterr().err == line


def test_with_json_the_notice_of_an_old_name_is_an_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    PARSER.parse_args(["rank", "--to", "0.5", "--json"])
    assert json.loads(capsys.readouterr().err)["note"].startswith("--to is now --time-to")


@pytest.mark.parametrize(("command", "old", "new"), NAMES)
def test_an_old_name_is_not_shown(
    command: str, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    help_text = capsys.readouterr().out
    assert new in help_text
    assert not re.search(rf"{old}(?![\w-])", help_text)
    assert old not in PARSER.commands[command].flags()
    assert old.removeprefix("--") not in [as_label(setting.field) for setting in SETTINGS]
    assert did_you_mean(f"{new}x", PARSER.commands[command].flags()) == f"did you mean {new}? "


@pytest.mark.parametrize(
    ("words", "flip", "models"),
    [
        (["--flip"], True, []),
        (["--flip", "EfficientNetLite0"], True, ["EfficientNetLite0"]),
        (["--no-flip", "EfficientNetLite0"], False, ["EfficientNetLite0"]),
        (["--flip", "yes", "EfficientNetLite0"], True, ["EfficientNetLite0"]),
        (["--flip", "no", "EfficientNetLite0"], False, ["EfficientNetLite0"]),
        (["EfficientNetLite0", "VGG16", "--flip", "no"], False, ["EfficientNetLite0", "VGG16"]),
        (["--flip=no", "EfficientNetLite0", "VGG16"], False, ["EfficientNetLite0", "VGG16"]),
        (["--flip", "--no-flip"], False, []),
        (["--flip", "--", "no"], True, ["no"]),
        (["--", "--flip", "no"], None, ["--flip", "no"]),
        (["VGG16"], None, ["VGG16"]),
    ],
)
def test_a_flag_that_had_a_value_takes_no_model_for_one(
    words: list[str], flip: bool | None, models: list[str]
) -> None:
    arguments = PARSER.parse_args(["train", *words])
    assert (arguments.flip, arguments.models) == (flip, models)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rank", "--time", "0.8"], "found '--time'; did you mean --time-to?"),
        (["report", "--outp", "x"], "found '--outp'; did you mean --output?"),
        (["export", "x", "--format", "csv", "--out", "x"], "expected --output"),
        (["train", "A", "--crop", "3"], "found '--crop'; did you mean --crops?"),
        (["train", "A", "--view", "3"], "found '--view'; did you mean --device?"),
        (["train", "A", "--html"], "found '--html'; report takes it"),
        (["train", "A", "--flip=maybe"], "--flip/--no-flip: expected no value, found 'maybe'"),
        (["train", "A", "--views", "-1"], "views: expected 1 to 64, found -1"),
        (["train", "A", "--views"], "--crops: expected one argument, found none; see"),
    ],
)
def test_neither_a_part_of_a_name_nor_a_wrong_value_is_taken(words: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        PARSER.parse_args(words)
    assert said in str(caught.value)
