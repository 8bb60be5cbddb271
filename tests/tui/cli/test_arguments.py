"""The table of options as its two front ends have it: the command line and the launcher's form."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config.kinds import YesNo
from engine.config.settings import Setting
from engine.errors import InputError
from tests.engine.config.option_cases import HELD, REJECTED, complaint, each
from tui.cli.arguments import chosen_options
from tui.cli.parser import build_parser
from tui.screens.launcher.form import RunForm, is_choice

PARSER = build_parser()


def typed(setting: Setting, text: str) -> Any:
    """What a command line that gives one option asks for."""
    arguments = PARSER.parse_args(["train", "A", setting.flag, text])
    return getattr(chosen_options(arguments), setting.field)


@pytest.mark.parametrize(("setting", "text", "value"), each(HELD))
def test_what_is_given_reaches_its_field(setting: Setting, text: str, value: Any) -> None:
    options, errors = RunForm({setting.field: text}).read()
    assert (getattr(options, setting.field), errors) == (value, {})
    if not isinstance(setting.kind, YesNo):
        assert typed(setting, text) == value


@pytest.mark.parametrize(("setting", "text", "words"), each(REJECTED))
def test_what_is_rejected_is_named(setting: Setting, text: str, words: str) -> None:
    _, errors = RunForm({setting.field: text}).read()
    # A choice that is not offered, such as one remembered, stays at its default.
    expected = {} if is_choice(setting) else {setting.field: complaint(setting, words)}
    assert {field: str(error) for field, error in errors.items()} == expected
    if not isinstance(setting.kind, YesNo):
        with pytest.raises(InputError) as caught:
            typed(setting, text)
        assert str(caught.value) == complaint(setting, words)


@pytest.mark.parametrize("field", ["flip", "feature_cache"])
def test_what_is_yes_or_no_is_a_flag_and_its_opposite(field: str) -> None:
    name = field.replace("_", "-")
    for flag, value in ((f"--{name}", True), (f"--no-{name}", False)):
        arguments = PARSER.parse_args(["train", "A", flag])
        assert getattr(chosen_options(arguments), field) is value
        with pytest.raises(InputError, match="expected no value, found 'maybe'"):
            PARSER.parse_args(["train", "A", f"{flag}=maybe"])


def test_what_is_not_given_stays_at_its_default() -> None:
    options, errors = RunForm().read()
    assert errors == {}
    assert options == chosen_options(PARSER.parse_args(["train", "A"]))
