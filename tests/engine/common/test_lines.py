"""Files of lines: one measure of a line, whichever way they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine.common.lines
from engine.common.codec import to_plain
from engine.common.lines import (
    MAX_LINE_BYTES,
    LineReader,
    drop_torn_line,
    read_lines,
    read_lines_backwards,
)
from engine.protocol.commands import SetTrainable
from engine.protocol.events import LogLine, PhaseChanged, event_to_line
from engine.runs.commands_file import CommandFile
from engine.runs.reading import RecordReader, last_phase, read_recorded, read_thinned
from engine.sessions.attached import append_command


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be."""
    return tmp_path / "lines"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of up to 19 bytes, and files read in a few bytes."""
    monkeypatch.setattr(engine.common.lines, "MAX_LINE_BYTES", 20)
    monkeypatch.setattr(engine.common.lines, "CHUNK_BYTES", 7)
    monkeypatch.setattr(engine.common.lines, "_BLOCK_BYTES", 5)


@pytest.mark.parametrize("length", [2**20, 3 * 2**20, MAX_LINE_BYTES - 1, MAX_LINE_BYTES])
def test_a_long_line_shows_live_and_in_every_replay_or_in_none(path: Path, length: int) -> None:
    event = LogLine(time=1.7e9, level="info", text="")
    event = LogLine(time=1.7e9, level="info", text="x" * (length + 1 - len(event_to_line(event))))
    path.write_text(event_to_line(event))
    expected = [event] if length < MAX_LINE_BYTES else []
    assert RecordReader(path).read() == expected
    assert list(read_recorded(path)) == list(read_thinned(path)) == expected


@pytest.mark.parametrize("length", [3 * 2**20, MAX_LINE_BYTES])
def test_the_last_phase_is_found_by_the_same_measure(path: Path, length: int) -> None:
    first = PhaseChanged(time=1.7e9, phase="loading")
    long = PhaseChanged(time=1.7e9, phase="saving", detail="x" * length)
    path.write_text(event_to_line(first) + event_to_line(long))
    assert last_phase(path) == ("saving" if length < MAX_LINE_BYTES else "loading")


def test_a_command_may_be_as_long_as_an_event(path: Path) -> None:
    command = SetTrainable(id="1", layers=("x" * 2 * 2**20,), value=True)
    assert to_plain(command)["layers"]
    append_command(path, command)
    assert CommandFile(path).read().commands == (command,)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("torn", [b"", b"x", b"x" * 19, b"x" * 300])
def test_every_way_of_reading_gives_the_same_lines(path: Path, torn: bytes) -> None:
    wanted = [b"", b"a", b"b" * 7, b"c" * 19, b"d", b"e" * 12]
    lines = [*wanted[:3], b"x" * 20, wanted[3], b"x" * 21, b"x" * 399, *wanted[4:]]
    path.write_bytes(b"".join(line + b"\n" for line in lines) + torn)
    assert [line for line in read_lines(path) if line] == wanted[1:]
    assert list(read_lines_backwards(path, 10**6)) == wanted[::-1]
    reader, found = LineReader(path), list[bytes]()
    while part := reader.read():
        found += part
    assert [line for line in found if line] == wanted[1:]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("torn", [b"", b"x", b"x" * 300])
@pytest.mark.parametrize("whole", [b"", b"a\n", b"a\nb\n" + b"c" * 30 + b"\n"])
def test_a_torn_line_is_cut_off_however_long_it_is(path: Path, torn: bytes, whole: bytes) -> None:
    path.write_bytes(whole + torn)
    drop_torn_line(path)
    assert path.read_bytes() == whole


@pytest.mark.usefixtures("small")
def test_only_so_much_is_read_as_is_asked_for(path: Path) -> None:
    path.write_bytes(b"a\n" * 1_000)
    assert 10 <= len(list(read_lines(path, 20))) <= 20
    assert 8 <= len(list(read_lines_backwards(path, 20))) <= 12


def test_what_is_no_file_has_no_lines(path: Path) -> None:
    assert list(read_lines(path)) == list(read_lines_backwards(path, 10)) == []
    path.mkdir()
    assert list(read_lines(path)) == list(read_lines_backwards(path, 10)) == []
