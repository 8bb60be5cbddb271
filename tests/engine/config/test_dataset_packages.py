"""Data sets that packages offer, by their names alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.config.dataset_names import find_row, known_names, package_of, resolve, title
from engine.config.dataset_packages import installed
from engine.errors import InputError
from engine.tools.doctor import _datasets
from tests.support.packages import installed_in, write_package
from tests.support.processes import ROOT

BROKEN = {"birds_data.py": "raise SystemExit('loaded')"}
OFFERED = {"birds": "birds_data:Birds"}


def test_names_are_told_without_loading_the_package(tmp_path: Path) -> None:
    write_package(tmp_path, {"birds": "birds_data:Birds [fast]"}, BROKEN)
    with installed_in(tmp_path):
        assert known_names() == ("cifar10", "cifar100", "cifar10-mini", "digits", "birds")
        assert resolve("birds", None) == ("birds", None)
        assert resolve("birds", "here") == ("birds", "here")
        assert title("birds") == "birds"
        assert package_of("birds") == "birds-data 1.2"
        assert package_of("digits") == package_of("folder:birds") == package_of("gone") == ""
        assert (
            _datasets().found == "cifar10, cifar100, cifar10-mini, digits, birds of birds-data 1.2"
        )
        assert _datasets().state == "good"
        with pytest.raises(
            InputError, match="expected cifar10, cifar100, cifar10-mini, digits, birds or a fold"
        ):
            resolve("bird", None)
        assert "birds_data" not in sys.modules
    assert title("birds") == "birds"
    with pytest.raises(
        InputError, match="expected cifar10, cifar100, cifar10-mini, digits or a folder"
    ):
        resolve("birds", None)


def test_a_folder_of_the_name_is_meant_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path / "packages", OFFERED, BROKEN)
    (tmp_path / "birds").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve("birds", None) == ("folder:birds", str(tmp_path / "birds"))
    with installed_in(tmp_path / "packages"):
        assert resolve("birds", None) == ("birds", None)
        assert resolve("./birds", None) == ("folder:birds", str(tmp_path / "birds"))


def test_a_built_in_name_stays_the_built_in_one(tmp_path: Path) -> None:
    write_package(tmp_path, {"digits": "birds_data:Birds"}, BROKEN)
    with installed_in(tmp_path):
        row = find_row("digits")
        assert row is not None
        assert row.package == ""
        assert known_names().count("digits") == 1
        found = _datasets()
    assert (found.state, found.found) == ("note", "cifar10, cifar100, cifar10-mini, digits")
    assert "found 'digits' in birds-data 1.2; it is left alone" in found.advice


def test_a_name_of_two_packages_is_neither(tmp_path: Path) -> None:
    write_package(tmp_path, OFFERED, BROKEN)
    write_package(tmp_path, OFFERED, BROKEN, name="more-birds", version="2.0")
    with installed_in(tmp_path):
        assert "birds" not in known_names()
        with pytest.raises(InputError, match=r"birds-data 1\.2 and more-birds 2\.0; uninstall"):
            resolve("birds", None)
        assert "uninstall all but one" in _datasets().advice


@pytest.mark.parametrize("name", ["folder:birds", "~birds", "../birds", "a/b", "Birds", "a b", "é"])
def test_what_is_no_name_is_rejected_by_name(name: str, tmp_path: Path) -> None:
    write_package(tmp_path, {name: "birds_data:Birds"} | OFFERED, BROKEN)
    with installed_in(tmp_path):
        assert known_names()[-1] == "birds"
        with pytest.raises(InputError) as caught:
            resolve(name, None)
    line = str(caught.value)
    assert "expected a data set's name of lower-case letters" in line
    assert "in birds-data 1.2; ask its authors" in line


@pytest.mark.parametrize("value", ["birds_data", "birds data:Birds:", "birds_data:", "1:2"])
def test_what_names_no_class_is_rejected(value: str, tmp_path: Path) -> None:
    write_package(tmp_path, {"birds": value}, BROKEN)
    with installed_in(tmp_path), pytest.raises(InputError, match="expected module:Class at the"):
        resolve("birds", None)


def test_a_package_without_a_name_is_called_by_its_module(tmp_path: Path) -> None:
    write_package(tmp_path, OFFERED, BROKEN)
    next(tmp_path.glob("*/METADATA")).unlink()
    with installed_in(tmp_path):
        assert package_of("birds") == "birds_data"


def test_metadata_that_cannot_be_read_are_said_to_be_where_a_name_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path / "packages", {}, {})
    next(tmp_path.glob("*/*/entry_points.txt")).write_bytes(b"[cifar_tui.datasets]\n\xff\xfe")
    (tmp_path / "pets").mkdir()
    monkeypatch.chdir(tmp_path)
    with installed_in(tmp_path / "packages"):
        assert resolve("digits", None) == ("digits", None)
        assert resolve("pets", None)[0] == "folder:pets"
        assert _datasets().state == "note"
        with pytest.raises(
            InputError, match=r"expected entry points of .* found UnicodeDecodeError"
        ) as caught:
            resolve("birds", None)
    assert "\n" not in str(caught.value)
    assert installed().problems == {}


def test_no_package_is_asked_for_what_is_built_in_or_a_path() -> None:
    check = (
        "import sys\n"
        "from engine.config.dataset_names import resolve, title\n"
        "from tui.cli.parser import build_parser\n"
        "build_parser()\n"
        "resolve('digits', None); resolve('./tests', None); title('birds')\n"
        "assert 'importlib.metadata' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)
