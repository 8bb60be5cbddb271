"""ASCII only: every mark keeps its cells, and nothing else reaches the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from pseudo_terminal import Terminal
from rich.cells import cell_len

from engine.report.table import BEST, FASTEST, MIRRORED, ON_TEST, SO_FAR
from tui.panels import queue
from tui.panels.charts import curves, data, pareto
from tui.panels.layers import row_state
from tui.panels.tables import runs as run_table
from tui.settings import keys
from tui.terminal.ascii_marks import to_ascii


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss 0.42", "loss 0.42"),
        ("╭─ Loss ─╮│┊└", "+- Loss -+||+"),
        ("● val ★ best ▸ ▾", "o val * best > v"),
        ("⡇⠁⣀⠀", ":'. "),
        ("★⚡ 0.9332 ±0.0049 –", "*++ 0.9332 +0.0049 -"),
        ("café 10⁹ ²", "cafe 109 2"),
        ("🔎 ▼ ▔▔", ">> v --"),
        ("猫 \x1b[1;1H\x1b[38;5;59m█\x1b[0m", "?? \x1b[1;1H\x1b[38;5;59m#\x1b[0m"),
    ],
)
def test_each_character_has_one_of_its_width(text: str, expected: str) -> None:
    assert to_ascii(text) == expected


@pytest.mark.parametrize(
    "marks",
    [
        {mark for mark, _ in queue.GLYPHS.values()},
        {curves.VALIDATION_MARK, data.BEST_MARK},
        {pareto.OTHER, pareto.FRONT, pareto.LIT, pareto.APART, BEST, FASTEST},
        {run_table.MARKED, run_table.PINNED, run_table.DIFFERS, BEST, FASTEST, ON_TEST, MIRRORED},
        {SO_FAR, "…"},
        set(row_state.GLYPHS.values()),
        {"✓", "✗", "●", "‖", "■"},
    ],
)
def test_marks_of_one_panel_stay_apart(marks: set[str]) -> None:
    assert len({to_ascii(mark) for mark in marks}) == len(marks)


@pytest.mark.parametrize("key", keys.KEYS)
def test_no_word_about_a_key_is_lost(key: keys.Key) -> None:
    for words in (key.description, key.footer, keys.PLACES[key.place]):
        assert "?" not in to_ascii(words)
    assert "?" not in to_ascii(keys.written(key)).replace("?", "", keys.written(key).count("?"))


def test_every_character_of_every_plane_keeps_its_width() -> None:
    for code in (*range(0xA0, 0x3000), *range(0x1F300, 0x1F700)):
        found = to_ascii(chr(code))
        assert found.isascii()
        assert len(found) == cell_len(chr(code)), hex(code)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ([], {"LC_ALL": "C"}),
        pytest.param(
            ["--ascii"],
            {"LANG": "C.UTF-8"},
            marks=pytest.mark.slow("that the option reaches the terminal as the locale does"),
        ),
    ],
)
def test_nothing_else_reaches_the_terminal(
    arguments: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    # Where there are no runs the first page is shown instead.
    (tmp_path / "any").mkdir()
    (tmp_path / "any" / "spec.json").touch()
    terminal = Terminal(arguments, {**environment, "CIFAR_TUI_RUNS": str(tmp_path)})
    terminal.wait_for("CustomCNN", 60)
    terminal.press("?")
    terminal.wait_for("finds an action", 60)
    terminal.press("\x11")
    assert terminal.close() == 0
    assert terminal.drawn.isascii()
    assert b"+-" in terminal.drawn
