"""Lines on a disk that is full for a while: none lost, none torn, all in order."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.common import append
from engine.common.append import DiskFull, LineFile, is_disk_full


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes: EFBIG, as SIGXFSZ is ignored."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 64 KB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    with tempfile.TemporaryDirectory() as at:
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", at]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no file system can be mounted here")
        yield Path(at)
        subprocess.run(["umount", "--lazy", at], check=True)


def test_a_line_cut_in_half_is_completed_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    file = LineFile(path)
    file.write("first\n")
    with files_of_at_most(10):
        file.write("second\n")
        file.write("third\n")
        assert path.read_text() == "first\nseco"
        assert file.full == DiskFull(path, len("nd\nthird\n"), "File too large")
        assert not file.retry()
    file.write("fourth\n")
    assert file.full is None
    file.close()
    assert path.read_text() == "first\nsecond\nthird\nfourth\n"


def test_a_half_line_of_an_earlier_process_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("whole\nhal")
    file = LineFile(path)
    file.write("next\n")
    file.close()
    assert path.read_text() == "whole\nhal\nnext\n"


def test_what_waits_is_bounded_and_what_matters_has_more_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append, "WAITING_LINES", 3)
    file = LineFile(tmp_path / "lines")
    with files_of_at_most(0):
        for number in range(5):
            file.write(f"chat {number}\n", may_be_lost=True)
        for number in range(5):
            file.write(f"fact {number}\n")
        assert file.lost == 4
    file.close()
    expected = [f"chat {n}" for n in range(3)] + [f"fact {n}" for n in range(3)]
    assert (tmp_path / "lines").read_text().splitlines() == expected


def test_a_file_that_cannot_even_be_made_gets_its_lines_later(tmp_path: Path) -> None:
    folder = tmp_path / "not-yet"
    file = LineFile(folder / "lines")
    file.write("one\n")
    assert file.full == DiskFull(folder / "lines", 4, "No such file or directory")
    folder.mkdir()
    assert file.retry()
    assert (folder / "lines").read_text() == "one\n"
    file.close()


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    (small_disk / "other").write_bytes(b"x" * 50_000)
    path = small_disk / "lines"
    file = LineFile(path)
    lines = [f"line {number} {'x' * 50}\n" for number in range(500)]
    for line in lines:
        file.write(line)
    assert file.full is not None
    assert file.full.reason == "No space left on device"
    assert 0 < path.stat().st_size < 50_000
    (small_disk / "other").unlink()
    assert file.retry()
    file.close()
    assert path.read_text() == "".join(lines)


def test_which_errors_say_that_there_is_no_room(tmp_path: Path) -> None:
    with files_of_at_most(0), pytest.raises(OSError, match="large") as raised:
        (tmp_path / "file").write_bytes(b"x")
    assert is_disk_full(raised.value)
    assert not is_disk_full(FileNotFoundError(2, "No such file"))
