"""What is released: its dependencies, its version, the files of its wheel."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from engine.common.version import VERSION
from engine.machine.provenance import find_origin
from tests.support.imports import imported_by
from tui.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
TOOLS = {"pytest-asyncio", "pytest-timeout", "pytest-xdist"} | {"ruff", "mypy", "import-linter"}
"""That tests need without importing them; so are type stubs."""


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (("engine", "tui"), ("jax", "lite", "onnx")),
        (("engine", "tui", "tests", "docs"), ("jax", "lite", "onnx", "test")),
    ],
)
def test_what_is_imported_is_declared_and_nothing_else(
    folders: tuple[str, ...], extras: tuple[str, ...]
) -> None:
    declared = _names(PROJECT["dependencies"])
    for extra in extras:
        declared |= _names(EXTRAS[extra])
    sources = [_read(folder) for folder in folders]
    imported = _distributions(name for source in sources for name in source.imports)
    named = _distributions(name for source in sources for name in source.strings)
    assert "numpy" in imported
    assert imported - declared == set()
    unused = declared - imported - named - TOOLS
    assert [name for name in sorted(unused) if not re.search(r"^types-|-stubs$", name)] == []


def test_the_constraints_hold_a_version_of_each_dependency() -> None:
    lines = (ROOT / ".ci/constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    extras = (*EXTRAS["jax"], *EXTRAS["lite"], *EXTRAS["test"], *EXTRAS["release"])
    for text in (*PROJECT["dependencies"], *extras):
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), text


def test_the_version_is_known_without_an_installation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"cifar-tui {VERSION}\n"
    assert find_origin().versions["cifar-tui"] == VERSION


def test_the_wheel_holds_the_two_packages_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    (wheel,) = tmp_path.iterdir()
    metadata = f"cifar_tui-{VERSION}.dist-info/"
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        text = archive.read(f"{metadata}METADATA").decode()
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in ("engine", "tui")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {name for name in names if not name.startswith(metadata)} == expected
    assert {"engine/py.typed", "tui/py.typed", "tui/app.tcss"} <= expected
    assert "engine/datasets/cifar10_mini.webp" in names
    assert {f"{metadata}licenses/{name}" for name in ("LICENSE", "NOTICE")} <= names
    assert f"\nVersion: {VERSION}\n" in text


def _names(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


class _Source(NamedTuple):
    imports: set[str]
    """Top-level names of other people's packages."""
    strings: set[str]
    """All literals, among them the names of what is imported or run by its name."""


@cache
def _read(folder: str) -> _Source:
    here = {path.stem for place in (ROOT, ROOT / "tests/benchmarks") for path in place.iterdir()}
    source = _Source(set(), set())
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            source.imports.update(imported_by(node) - here - sys.stdlib_module_names)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                source.strings.add(node.value)
    return source


def _distributions(names: Iterable[str]) -> set[str]:
    """Of import names; where one is not installed it is taken for the distribution's name."""
    installed = _installed()
    return {
        canonicalize_name(distribution)
        for name in names
        for distribution in installed.get(name, [name])
    }


@cache
def _installed() -> dict[str, list[str]]:
    """Distributions by what can be imported; a second goes into reading their lists of files."""
    return dict(packages_distributions())
