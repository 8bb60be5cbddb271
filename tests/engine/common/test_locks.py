"""Locks: between two that have a file open, and where there are none."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from engine.common.locks import try_lock


def test_one_holds_a_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open() as second:
        assert try_lock(first.fileno())
        assert try_lock(first.fileno())
        assert not try_lock(second.fileno())
        assert not try_lock(second.fileno(), shared=True)
    with path.open() as third:
        assert try_lock(third.fileno())


def test_those_who_look_do_not_keep_each_other_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open() as first, path.open() as second:
        assert try_lock(first.fileno(), shared=True)
        assert try_lock(second.fileno(), shared=True)
        assert not try_lock(second.fileno())


@pytest.mark.parametrize("taken_for", [True, False])
def test_without_locks_the_answer_is_what_the_caller_takes_for_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken_for: bool
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("engine.common.locks.fcntl.flock", unsupported)
    with (tmp_path / "lock").open("w") as file:
        assert try_lock(file.fileno(), where_unsupported=taken_for) is taken_for
