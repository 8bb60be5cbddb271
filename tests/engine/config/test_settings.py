"""The table of options: each row's value and limits, read from a text or given as they are."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from engine.config.settings import SETTINGS, Options, Setting, check_limits
from engine.errors import InputError
from tests.engine.config.option_cases import HELD, REJECTED, complaint, each


def test_every_option_is_a_row_with_cases() -> None:
    rows = [setting.field for setting in SETTINGS]
    assert sorted(rows) == sorted(field.name for field in fields(Options))
    assert rows == list(HELD) == list(REJECTED)


@pytest.mark.parametrize(("setting", "text", "value"), each(HELD))
def test_a_value_within_its_limits_is_taken(setting: Setting, text: str, value: Any) -> None:
    read = setting.read(text)
    assert (read, type(read)) == (value, type(value))
    check_limits(Options(**{setting.field: value}))


@pytest.mark.parametrize(("setting", "text", "words"), each(REJECTED))
def test_a_value_beyond_its_limits_is_rejected(setting: Setting, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        setting.read(text)
    assert str(caught.value) == complaint(setting, words)
    try:
        value = setting.kind._parse(text)
    except ValueError:
        return  # it holds no value that options could have
    with pytest.raises(InputError) as caught:
        check_limits(Options(**{setting.field: value}))
    assert str(caught.value) == complaint(setting, words)


def test_what_is_not_asked_for_is_within_every_limit() -> None:
    check_limits(Options())


@pytest.mark.parametrize(
    ("field", "value"),
    [("views", True), ("views", 2.0), ("views", "2"), ("flip", 1), ("device", 0)],
)
def test_a_value_of_another_type_is_rejected(field: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"^{field}: expected "):
        check_limits(Options(**{field: value}))


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (data,) = (setting for setting in SETTINGS if setting.field == "data_path")
    assert data.read("~/data") == "/home/me/data"
