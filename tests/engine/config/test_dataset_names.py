"""What `--dataset` may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.dataset_names import BUILT_IN, is_folder, resolve, short, title
from engine.errors import InputError


def test_known_data_sets_keep_name_and_path() -> None:
    for name in (row.name for row in BUILT_IN):
        assert resolve(name, None) == (name, None)
        assert resolve(name, "somewhere") == (name, "somewhere")
        assert not is_folder(name)


def test_a_folder_is_recorded_by_its_name_and_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cifar10x").mkdir()
    (tmp_path / "sub" / "cifar10").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = resolve("cifar10x/", None)
    assert found == ("folder:cifar10x", str(tmp_path / "cifar10x"))
    # what was recorded is not looked for again: the folder may have gone
    assert resolve(*found) == found
    assert resolve("folder:gone", "/nowhere") == ("folder:gone", "/nowhere")
    # a folder of a known name is still a folder
    assert resolve("sub/cifar10", None)[0] == "folder:cifar10"
    assert title("folder:cifar10x") == "cifar10x"
    assert title("cifar100") == "CIFAR-100"


def test_what_is_neither_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, words in (
        ("mnist", "no such data set or folder"),
        (str(tmp_path / "file"), "a file"),
        ("folder:x", "no such data set or folder"),
        ("~nobody-here/x", "no such data set or folder"),
        ("", "no such data set or folder"),
        ("x" * 300, "no such data set or folder"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            resolve(name, None)
        assert "\n" not in str(caught.value)
        assert "cifar10, cifar100, cifar10-mini, digits or a folder" in str(caught.value)
    with pytest.raises(InputError, match="data_path: expected no path beside the folder"):
        resolve(str(tmp_path), "elsewhere")


def test_what_may_not_be_looked_at_is_refused(unprivileged: Path) -> None:
    (unprivileged / "closed").mkdir(mode=0)
    with pytest.raises(InputError, match="no such data set or folder"):
        resolve(str(unprivileged / "closed" / "pets"), None)


def test_a_folder_is_called_by_its_own_name() -> None:
    assert [short(name) for name in ("cifar10", "folder:pets")] == ["cifar10", "pets"]
