"""The whole program in a real pseudo-terminal: a session on the screen, and what is left after."""

from __future__ import annotations

import json
from pathlib import Path

from pseudo_terminal import Terminal

TRAIN = ["train", "CustomCNN", "--dataset", "digits", "--epochs", "1", "--train-limit", "100"]
LEFT_SCREEN = b"\x1b[?1049l"


def test_a_session_is_shown_and_its_ranking_stays_on_the_normal_screen(tmp_path: Path) -> None:
    terminal = Terminal([*TRAIN, "--runs-dir", str(tmp_path)])
    terminal.wait_for("loading", 60)
    terminal.wait_for("The queue has ended", 240)
    terminal.press("q")
    assert terminal.close() == 0
    shown, _, after = terminal.drawn.rpartition(LEFT_SCREEN)
    assert b"Traceback" not in terminal.drawn
    assert b"CustomCNN" in shown
    assert b"most accurate: CustomCNN" in after
    (summary,) = tmp_path.glob("*/summary.json")
    assert json.loads(summary.read_text())["status"] == "completed"


def test_quitting_stops_the_training_and_gives_the_terminal_back(tmp_path: Path) -> None:
    terminal = Terminal([*TRAIN[:-4], "--runs-dir", str(tmp_path)])
    terminal.wait_for("training", 240)
    terminal.press("q")
    terminal.wait_for("Stop now and quit", 60)
    terminal.press("n")
    assert terminal.close() == 130
    assert LEFT_SCREEN in terminal.drawn
    (summary,) = tmp_path.glob("*/summary.json")
    assert json.loads(summary.read_text())["status"] == "stopped"
