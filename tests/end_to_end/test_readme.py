"""The README's tables come from the program."""

from __future__ import annotations

from pathlib import Path

from tui.cli import options
from tui.settings import keys

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def test_the_options_are_those_of_the_command() -> None:
    assert options.markdown_table().strip() in README


def test_the_keys_are_those_of_the_screens() -> None:
    assert keys.markdown_table().strip() in README


def test_the_test_command_is_the_one_the_checks_run() -> None:
    checks = (Path(__file__).resolve().parents[2] / ".ci" / "run").read_text()
    install, fast, everything = 'pip install ".[test]"', "pytest", "pytest --all"
    assert f"{install} && {fast}\n{everything}\n" in README
    assert f"\n{install}\n" in checks
    assert f"\n{fast}\n{fast} -m slow\n" in checks
