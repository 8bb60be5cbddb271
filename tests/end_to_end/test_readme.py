"""The README's tables come from the program, and the documents name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from tui.cli import arguments
from tui.settings import keys

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs/contributing/architecture.md").read_text()


def test_the_options_are_those_of_the_command() -> None:
    assert arguments.markdown_table().strip() in README


def test_the_keys_are_those_of_the_screens() -> None:
    assert keys.markdown_table().strip() in README


def test_the_test_command_is_the_one_the_checks_run() -> None:
    checks = (ROOT / ".ci" / "run").read_text()
    install, fast, everything = 'pip install ".[test]"', "pytest", "pytest --all"
    assert f"{install} && {fast}\n{everything}\n" in README
    assert f"\n{install}\n" in checks
    assert f"\n{fast}\n{fast} -m slow\n" in checks


def test_every_file_that_the_documents_name_is_there() -> None:
    texts = (README, ARCHITECTURE, (ROOT / "CONTRIBUTING.md").read_text())
    named = {path for text in texts for path in re.findall(r"`((?:engine|tui)/[\w/]+\.py)`", text)}
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_every_package_has_its_line_in_the_architecture() -> None:
    for top in ("engine", "tui"):
        packages = {path.parent.name for path in (ROOT / top).glob("*/__init__.py")}
        assert packages
        assert [name for name in sorted(packages) if f"| `{name}` |" not in ARCHITECTURE] == []
