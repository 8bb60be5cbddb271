"""Every command has examples, and each is one that the command takes."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser

import pytest

from tui.cli.examples import EXAMPLES
from tui.cli.parser import build_parser

LINES = [(command, line) for command, lines in EXAMPLES.items() for line in lines]
AROUND = re.compile(r"^(?:source <|eval \"\$)\((.*)\)\"?$|^(.*?)(?: > \S+| \| source)$")


@pytest.fixture(scope="module")
def parser() -> ArgumentParser:
    """Of the whole command line."""
    return build_parser()


def test_every_command_has_some() -> None:
    assert list(EXAMPLES) != []
    assert set(EXAMPLES) == {*build_parser().commands}


@pytest.mark.parametrize(("command", "line"), LINES, ids=[line for _, line in LINES])
def test_the_parser_takes_it(parser: ArgumentParser, command: str, line: str) -> None:
    around = AROUND.match(line)
    words = shlex.split(next(filter(None, around.groups())) if around else line)
    assert words[0] == "cifar-tui"
    assert parser.parse_args(words[1:]).command == command


def test_help_shows_them(parser: ArgumentParser, capsys: pytest.CaptureFixture[str]) -> None:
    for command, lines in EXAMPLES.items():
        with pytest.raises(SystemExit):
            parser.parse_args([command, "--help"])
        text = capsys.readouterr().out
        assert [line for line in lines if f"  {line}\n" not in text] == []
        assert max(map(len, text.splitlines())) <= 80
