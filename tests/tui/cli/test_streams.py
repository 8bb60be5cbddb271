"""Lines beside the output: where they go, and that losing one stops nothing."""

from __future__ import annotations

import json
import sys
from io import StringIO

import pytest

from engine.errors import InputError
from tui import __main__ as program
from tui.cli import streams
from tui.cli.streams import complain, complain_of_input, note

ERROR = InputError("image_size", "a number", "two\nlines")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Full(StringIO):
    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.fixture(params=[True, False], ids=["json", "words"])
def as_json(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_line_that_cannot_be_written_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    note("said", as_json=as_json)
    complain_of_input(ERROR, as_json=as_json)


def test_without_standard_error_a_terminal_shows_every_line(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(streams, "_errors_are_lost", True)
    monkeypatch.setattr(sys, "stdout", terminal)
    note("said", as_json=as_json)
    complain_of_input(ERROR, as_json=as_json)
    first, second = terminal.getvalue().splitlines()
    if as_json:
        assert json.loads(first) == {"note": "said"}
        assert json.loads(second)["error"]["message"].startswith("--image-size: expected a number")
    else:
        assert first == "cifar-tui: said"
        assert second == "cifar-tui: --image-size: expected a number, found two lines"


def test_it_never_goes_into_output_that_is_piped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streams, "_errors_are_lost", True)
    complain("said")
    assert capsys.readouterr() == ("", "cifar-tui: said\n")


def test_what_stands_in_for_a_home_is_told_as_the_rest_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "settle_home", lambda: "another folder")
    assert program.main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().err) == {"note": "another folder"}
