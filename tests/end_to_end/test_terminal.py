"""Real processes in real terminals with next to no environment: what is drawn, and what is left."""

from __future__ import annotations

import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pseudo_terminal import A_VT220, Terminal
from terminal_screen import TerminalScreen

from tests.support.processes import ROOT, TRAIN
from tui.terminal.background import QUESTION

SECONDS = 60
slow = pytest.mark.slow
LAUNCHER = "New session"
GIVEN_BACK = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l", b"\x1b[?25h")
"""The other screen, the mouse, pasting, the cursor."""
WriteRun = Callable[..., str]
Open = Callable[..., Terminal]


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Open]:
    """Opens terminals with a home of their own; what is left in them is ended with the test.

    There is a run, if a broken one, so that the launcher opens and not the first page.
    """
    opened: list[Terminal] = []
    any_run = tmp_path / "runs" / "any"
    any_run.mkdir(parents=True)
    (any_run / "spec.json").touch()

    def start(arguments: list[str], **options: object) -> Terminal:
        environment = {
            "HOME": str(tmp_path),
            "CIFAR_TUI_RUNS": str(tmp_path / "runs"),
            "PYTHONPATH": str(ROOT),
            **options.pop("environment", {}),  # type: ignore[dict-item]
        }
        opened.append(Terminal(arguments, environment, inherits=False, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield start
    for terminal in opened:
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(terminal.process)
            for process in (*family.children(recursive=True), family):
                process.kill()


def screens(write_run: WriteRun) -> list[tuple[list[str], str]]:
    """The commands that open a screen over no training, and what they show."""
    run_id = write_run("CustomCNN", test=0.7, train_seconds=9.0, epochs=3)
    return [([], LAUNCHER), (["attach", run_id], "CustomCNN"), (["replay", run_id], "CustomCNN")]


EITHER_SIGNAL = slow("that the other signal does the same to this screen")


@pytest.mark.parametrize(
    ("place", "number", "status"),
    [
        (0, signal.SIGTERM, 143),
        (1, signal.SIGHUP, 129),
        (2, signal.SIGTERM, 143),
        pytest.param(0, signal.SIGHUP, 129, marks=EITHER_SIGNAL),
        pytest.param(1, signal.SIGTERM, 143, marks=EITHER_SIGNAL),
        pytest.param(2, signal.SIGHUP, 129, marks=EITHER_SIGNAL),
    ],
)
def test_every_screen_gives_the_terminal_back_at_a_signal(
    place: int, number: signal.Signals, status: int, write_run: WriteRun, open_terminal: Open
) -> None:
    arguments, shown = screens(write_run)[place]
    terminal = open_terminal(arguments)
    terminal.wait_for(shown, SECONDS)
    os.kill(terminal.process, number)
    assert terminal.close() == status
    assert [sequence for sequence in GIVEN_BACK if sequence not in terminal.drawn] == []
    # Not even where the form of the launcher is not filled yet.
    assert b"NoMatches" not in terminal.drawn
    assert b"Traceback" not in terminal.drawn


@pytest.mark.parametrize(
    "place",
    [
        0,
        pytest.param(1, marks=slow("that a screen over a run of others ends so, too")),
        pytest.param(2, marks=slow("that a screen over a record ends so, too")),
    ],
)
def test_no_screen_outlives_its_terminal_where_nothing_tells_of_that(
    place: int, write_run: WriteRun, open_terminal: Open
) -> None:
    """As under a shell that was started by nohup: SIGHUP reaches the shell, which ignores it."""
    arguments, shown = screens(write_run)[place]
    shell = (
        "import signal, subprocess, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "sys.exit(subprocess.call([sys.executable, '-m', 'tui', *sys.argv[1:]]))"
    )
    terminal = open_terminal(arguments, program=("-c", shell))
    terminal.wait_for(shown, SECONDS)
    waiting = psutil.Process(terminal.process)
    family = waiting.children(recursive=True)
    terminal.hang_up()
    gone, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    assert len(gone) == 2
    assert waiting.wait(timeout=SECONDS) == 129


def test_a_job_that_is_continued_restores_what_it_found(open_terminal: Open) -> None:
    """With `timeout` a SIGCONT follows the SIGTERM; a shell's `kill -STOP` gives no warning."""
    terminal = open_terminal([])
    before = termios.tcgetattr(terminal.descriptor)
    terminal.wait_for(LAUNCHER, SECONDS)
    assert termios.tcgetattr(terminal.descriptor) != before
    terminal.screen = TerminalScreen()
    os.killpg(terminal.process, signal.SIGCONT)
    wait(terminal, lambda: terminal.drawn.count(b"\x1b[?1049h") == 2)
    wait(terminal, lambda: terminal.shows(LAUNCHER))
    os.killpg(terminal.process, signal.SIGTERM)
    os.killpg(terminal.process, signal.SIGCONT)
    wait(terminal, lambda: has_ended(terminal))
    after = termios.tcgetattr(terminal.descriptor)
    assert terminal.close() == 143
    assert after == before
    assert terminal.drawn.count(b"\x1b[?1049h") == terminal.drawn.count(b"\x1b[?1049l")


def has_ended(terminal: Terminal) -> bool:
    """Whether its process is there no more, or only to be asked for its exit status."""
    return bool(psutil.Process(terminal.process).status() == psutil.STATUS_ZOMBIE)


def test_what_is_no_text_is_dropped(open_terminal: Open) -> None:
    terminal = open_terminal([])
    terminal.wait_for(LAUNCHER, SECONDS)
    # Latin-1, a mouse report in the old style from column 160, and a key that no table holds.
    terminal.press(b"\xff\xe4\x1b[M \xc0\xa4\x1b[M#\xc3\x84\x1b[99999999999u\x1b[97;1:3u")
    terminal.press("?")
    terminal.wait_for("finds an action", SECONDS)
    terminal.press("\x11")
    assert terminal.close() == 0
    assert b"Traceback" not in terminal.drawn


LIGHT = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
IN_COLOUR = {"COLORTERM": "truecolor"}
LIGHT_SURFACE, DARK_SURFACE = b"48;2;247;248;250", b"48;2;16;20;26"


def test_the_first_frame_suits_the_terminal_and_no_key_is_lost(open_terminal: Open) -> None:
    terminal = open_terminal([], environment=IN_COLOUR, answers=False)
    wait(terminal, lambda: QUESTION in terminal.drawn)
    terminal.press(LIGHT + b"?" + A_VT220)
    terminal.wait_for("finds an action", SECONDS)
    assert LIGHT_SURFACE in terminal.drawn
    assert DARK_SURFACE not in terminal.drawn
    terminal.press("\x11")
    assert terminal.close() == 0


@slow("that the real driver keeps a late answer from the keys")
def test_a_late_answer_is_neither_drawn_nor_typed(open_terminal: Open) -> None:
    terminal = open_terminal([], environment=IN_COLOUR, answers=False)
    wait(terminal, lambda: QUESTION in terminal.drawn)
    # Byte by byte, while the screen opens.
    terminal.read(0.3)
    for byte in LIGHT:
        terminal.press(bytes([byte]))
        terminal.read(0.03)
    terminal.wait_for(LAUNCHER, SECONDS)
    terminal.press(A_VT220 + b"/")
    terminal.press("lite")
    terminal.wait_for("lite", SECONDS)
    wait(terminal, lambda: LIGHT_SURFACE in terminal.drawn)
    assert terminal.drawn.partition(b"\x1b[?1049h")[0] == QUESTION
    assert b"fff/" not in terminal.drawn
    assert b"rgb" not in terminal.drawn
    terminal.press("\x11")
    wait(terminal, lambda: has_ended(terminal))
    assert termios.tcgetattr(terminal.descriptor)[3] & termios.ECHO
    assert terminal.close() == 0


CRASHES = """
import sys
from tui.terminal.driver import SparingDriver
from tui.__main__ import main

def fails(self):
    raise ValueError("a fault of the program")

SparingDriver.run_input_thread = fails
sys.exit(main())
"""


def test_a_screen_that_crashes_says_so_in_its_exit_status(open_terminal: Open) -> None:
    terminal = open_terminal([], program=("-c", CRASHES))
    assert terminal.close() == 1
    assert b"a fault of the program" in terminal.drawn
    assert GIVEN_BACK[0] in terminal.drawn


def test_the_size_is_the_terminals_own(open_terminal: Open) -> None:
    terminal = open_terminal([], environment={"COLUMNS": "60", "LINES": "20"})
    terminal.wait_for(LAUNCHER, SECONDS)
    wait(terminal, lambda: drawn_size(terminal) == (120, 40))
    wait(terminal, lambda: is_redrawn_at(terminal, 90, 30))
    terminal.press("q")
    assert terminal.close() == 0


@pytest.mark.parametrize(
    "locale",
    [
        {"LANG": "C"},
        pytest.param(
            {"LANG": "POSIX", "PYTHONUTF8": "1"}, marks=slow("what Python makes of UTF-8 mode")
        ),
        pytest.param({"LANG": "xx_YY"}, marks=slow("what Python makes of an unknown locale")),
    ],
)
def test_a_locale_that_is_not_unicode_is_drawn_in_ascii(
    locale: dict[str, str], write_run: WriteRun, open_terminal: Open
) -> None:
    terminal = open_terminal([], environment=locale)
    terminal.wait_for(LAUNCHER, SECONDS)
    terminal.press("q")
    assert terminal.close() == 0
    assert terminal.drawn.isascii()
    write_run("CustomCNN", test=0.7)
    table = open_terminal(["rank"], environment=locale)
    assert table.close() == 0
    assert table.drawn.isascii()
    assert b"CustomCNN" in table.drawn


@pytest.mark.parametrize(
    "locale",
    [
        {},
        pytest.param({"LANG": "C.UTF-8"}, marks=slow("that this locale of Python's is Unicode")),
        pytest.param({"LANG": "xx_YY.UTF-8"}, marks=slow("that an unknown locale may say UTF-8")),
    ],
)
def test_a_locale_that_says_unicode_or_nothing_is_drawn_in_it(
    locale: dict[str, str], open_terminal: Open
) -> None:
    terminal = open_terminal([], environment=locale)
    terminal.wait_for("╭", SECONDS)
    terminal.press("q")
    assert terminal.close() == 0


@pytest.mark.parametrize(
    ("environment", "has_millions"),
    [
        pytest.param({}, True, marks=slow("that Textual then draws 16 million colours")),
        ({"STY": "1.pts-0.host", "TERM": "screen.xterm-256color"}, False),
        pytest.param(
            {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "screen-256color"},
            True,
            marks=slow("that Textual draws 16 million colours inside tmux"),
        ),
    ],
)
def test_colours_that_are_misread_are_not_drawn(
    environment: dict[str, str], has_millions: bool, open_terminal: Open
) -> None:
    terminal = open_terminal([], environment={"COLORTERM": "truecolor", **environment})
    terminal.wait_for(LAUNCHER, SECONDS)
    terminal.press("q")
    assert terminal.close() == 0
    assert (b"38;2;" in terminal.drawn) == has_millions
    assert (b"38;5;" in terminal.drawn) != has_millions


def test_a_dumb_terminal_is_given_lines(write_run: WriteRun, open_terminal: Open) -> None:
    for arguments, _ in screens(write_run):
        terminal = open_terminal(arguments, environment={"TERM": "dumb"})
        assert terminal.close() == 2
        assert b"found TERM=dumb" in terminal.drawn
        assert b"\x1b" not in terminal.drawn
        assert terminal.drawn.count(b"\n") == 1


@slow("that a training on a dumb terminal is one without a screen")
def test_a_dumb_terminal_is_given_the_lines_of_a_training(open_terminal: Open) -> None:
    terminal = open_terminal([*TRAIN, "--epochs", "1"], environment={"TERM": "dumb"})
    assert terminal.close() == 0
    assert b"most accurate: CustomCNN" in terminal.drawn
    assert b"\x1b" not in terminal.drawn


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_a_launcher_with_a_closed_descriptor_says_what_it_needs(
    descriptor: int, open_terminal: Open
) -> None:
    terminal = open_terminal([], before=lambda: os.close(descriptor))
    assert terminal.close() == 2
    assert terminal.drawn.startswith(b"cifar-tui: expected a terminal to open the launcher on")
    assert terminal.drawn.count(b"\n") == 1


@pytest.mark.parametrize(
    "seconds",
    [
        0.05,
        pytest.param(0.0, marks=slow("that the measuring process may have just begun")),
        pytest.param(0.3, marks=slow("that the measuring process may be loading TensorFlow")),
    ],
)
def test_leaving_while_the_machine_is_measured_leaves_nothing(
    seconds: float, open_terminal: Open
) -> None:
    terminal = open_terminal([])
    terminal.wait_for("measuring this machine", SECONDS)
    until = time.monotonic() + seconds
    wait(terminal, lambda: time.monotonic() > until)
    family = psutil.Process(terminal.process).children(recursive=True)
    terminal.press("q")
    assert terminal.close() == 0
    assert b"Event loop is closed" not in terminal.drawn
    assert b"Traceback" not in terminal.drawn
    assert psutil.wait_procs(family, timeout=10)[1] == []


def drawn_size(terminal: Terminal) -> tuple[int, int]:
    """Columns and rows of what was drawn."""
    lines = terminal.screen.lines
    return max(map(len, lines), default=0), len(lines)


def is_redrawn_at(terminal: Terminal, columns: int, rows: int) -> bool:
    """Whether it draws itself anew at another size, and in it only."""
    terminal.resize(columns + 10, rows)
    stands_still(terminal)
    terminal.screen = TerminalScreen()
    terminal.resize(columns, rows)
    stands_still(terminal)
    return drawn_size(terminal) == (columns, rows)


def stands_still(terminal: Terminal) -> None:
    """Read until nothing has been drawn for a while."""
    while terminal.read(0.5):
        pass


def wait(terminal: Terminal, condition: Callable[[], object]) -> None:
    """Read what is drawn until a condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not come true in {SECONDS} s"
        terminal.read(0.01)
