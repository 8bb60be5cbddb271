"""Where a user's own files are kept, whatever HOME says."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from engine.common import folders
from engine.common.folders import (
    cache_folder,
    config_folder,
    expanded,
    features_root,
    home,
    keras_folder,
    settle_home,
)

REGISTERED = pwd.getpwuid(os.getuid()).pw_dir


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "KERAS_HOME", "TMPDIR"):
        # Set first, so that what the tested code changes is put back.
        monkeypatch.setenv(name, "/")
        monkeypatch.delenv(name)
    for name in ("CIFAR_TUI_CACHE", "CIFAR_TUI_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_a_home_that_is_a_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settle_home() == ""
    assert home() == tmp_path
    assert keras_folder(os.environ) == tmp_path / ".keras"
    assert expanded("~/pets") == tmp_path / "pets"
    assert cache_folder().is_relative_to(tmp_path)
    assert config_folder().is_relative_to(tmp_path)
    assert features_root() == cache_folder()
    monkeypatch.setenv("CIFAR_TUI_CACHE", str(tmp_path / "features"))
    assert features_root() == tmp_path / "features"


@pytest.mark.parametrize("named", [None, "", ".", "here", "~"])
def test_any_other_is_the_registered_one(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named is not None:
        monkeypatch.setenv("HOME", named)
    assert settle_home() == ""
    assert str(home()) == REGISTERED
    assert os.environ["HOME"] == REGISTERED


@pytest.mark.parametrize("named", [None, "", "here"])
def test_without_an_entry_it_is_a_folder_of_ones_own(
    named: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_registered_home", lambda: None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    if named is not None:
        monkeypatch.setenv("HOME", named)
    line = settle_home()
    own = tmp_path / f"cifar-tui-{os.getuid()}"
    assert line.count("\n") == 0
    assert f"{own} stands in for it" in line
    assert own.stat().st_mode & 0o777 == 0o700
    assert cache_folder().is_relative_to(own)
    assert settle_home() == ""  # told once


def test_a_folder_that_another_has_put_there_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_registered_home", lambda: None)
    monkeypatch.setattr(folders, "_TEMPORARY", ())
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"cifar-tui-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert "nothing is kept" in settle_home()
    assert not cache_folder().exists()


def test_relative_base_folders_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    assert cache_folder().is_relative_to(tmp_path)
    assert config_folder().parent == tmp_path / "settings"
