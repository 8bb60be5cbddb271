"""Whatever is printed to file descriptors 1 and 2 is caught."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, subprocess, sys
from engine.machine.output_capture import OutputCapture

lines = []
with OutputCapture(lines.append) as capture:
    print("python out", flush=True)
    os.write(2, b"c++ err\\n")
    subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    os.write(1, b"bar 1\\rbar 2\\nno newline")
    os.write(1, b"x" * 10_000_000)
    print("on the terminal", file=capture.terminal)
    print("textual draws here", file=sys.__stderr__)
print("after", len(lines))
short = [line for line in lines if len(line) < 100]
print(short)
"""


DEAF = """
import os
from engine.machine.output_capture import OutputCapture

def full(line):
    raise OSError(28, "No space left on device")

with OutputCapture(full):
    for _ in range(100):
        os.write(2, b"x" * 9_999 + b"\\n")
print("done")
"""


GIVEN_UP = """
import os, subprocess, sys
from pathlib import Path
from engine.machine.output_capture import OutputCapture

lines = []
with OutputCapture(lines.append) as capture:
    print("farewell", file=capture.terminal)
    capture.give_up_terminal(Path(sys.argv[1]))
    os.write(1, b"still caught\\n")
    print("to nobody", file=sys.__stderr__, flush=True)
    os.write(2, b"x" * 1_000_000 + b"\\n")
os.write(1, b"out, afterwards\\n")
subprocess.run([sys.executable, "-c", "print('child, afterwards')"], check=True)
Path(sys.argv[2]).write_text(lines[0])
"""


@pytest.mark.parametrize("file", ["run.log", "no folder/run.log"])
def test_a_terminal_that_is_given_up_gets_nothing_more(tmp_path: Path, file: str) -> None:
    log, caught = tmp_path / file, tmp_path / "caught"
    if log.parent.exists():
        log.write_text("begun\n")
    result = subprocess.run(
        [sys.executable, "-c", GIVEN_UP, str(log), str(caught)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (result.stdout, result.stderr) == ("farewell\n", "")
    assert caught.read_text() == "still caught"
    if log.exists():
        expected = ["begun", "to nobody", "out, afterwards", "child, afterwards"]
        assert log.read_text().splitlines() == expected


def test_a_listener_that_fails_blocks_nobody() -> None:
    result = subprocess.run(
        [sys.executable, "-c", DEAF], capture_output=True, text=True, check=True, timeout=60
    )
    assert (result.stdout, result.stderr) == ("done\n", "")


def test_prints_of_python_c_and_children_are_caught_and_the_terminal_is_restored() -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    out = result.stdout.splitlines()
    assert out[0] == "on the terminal"
    assert result.stderr == "textual draws here\n"
    assert out[1].startswith("after ")
    assert out[2] == "['python out', 'c++ err', 'child', 'bar 1', 'bar 2']"
    assert os.fstat(1)
