"""Children of a benchmark: what they say, what memory they took, how they end."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_comparison.child import SOURCE, ChildFailedError, engine_environment, run_child

BENCHMARKS = Path(__file__).resolve().parents[1]


def python(code: str, tmp_path: Path, lines: list[str] | None = None) -> int:
    hear = (lambda line: None) if lines is None else lines.append
    command = [sys.executable, "-c", code]
    return run_child("the child", command, engine_environment(), hear, tmp_path / "log")


def test_lines_come_without_their_ends(tmp_path: Path) -> None:
    lines: list[str] = []
    python("print('one\\n\\nzwölf')", tmp_path, lines)
    assert lines == ["one", "", "zwölf"]


def test_the_peak_is_the_childs_own(tmp_path: Path) -> None:
    # From a small process: Linux hands the peak of the one that starts a child on to it.
    code = (
        "import sys, pathlib\n"
        "from notebook_comparison.child import engine_environment, run_child\n"
        "for code in ('pass', 'x = bytearray(10**8); del x', 'pass'):\n"
        "    print(run_child('', [sys.executable, '-c', code], {}, print, pathlib.Path('log')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=engine_environment(PYTHONPATH=os.pathsep.join(map(str, (SOURCE, BENCHMARKS)))),
        capture_output=True,
        text=True,
        check=True,
    )
    little, much, little_again = map(int, done.stdout.split())
    assert much - little > 0.5 * 10**8
    assert much - little_again > 0.5 * 10**8


def test_a_child_that_fails_says_why_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError) as failure:
        python("import sys; print('noise', file=sys.stderr); raise ValueError('no luck')", tmp_path)
    assert str(failure.value) == "the child failed: ValueError: no luck"


@pytest.mark.parametrize(("signal", "said"), [(9, "memory runs out"), (15, "SIGTERM")])
def test_a_child_that_was_killed_is_said_to_be(signal: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError, match=said):
        python(f"import os; os.kill(os.getpid(), {signal})", tmp_path)


def test_an_interrupt_ends_the_child_and_what_it_started(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "sleeper = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "print(os.getpid(), subprocess.Popen(sleeper).pid, flush=True)\n"
        "time.sleep(600)"
    )
    alive: list[int] = []

    def hear(line: str) -> None:
        alive.extend(os.pidfd_open(int(pid)) for pid in line.split())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_child(
            "the child", [sys.executable, "-c", code], engine_environment(), hear, tmp_path / "log"
        )
    assert len(alive) == 2
    for process in alive:
        # a process's descriptor is ready to read once it has ended
        assert select.select([process], [], [], 10)[0] == [process]
        os.close(process)


def test_children_find_this_engine_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    lines: list[str] = []
    python(
        "import engine, os; print(engine.__file__); print(os.environ['PYTHONPATH'])",
        tmp_path,
        lines,
    )
    assert Path(lines[0]).parent == SOURCE / "engine"
    assert lines[1].split(os.pathsep) == [str(SOURCE), "elsewhere"]
