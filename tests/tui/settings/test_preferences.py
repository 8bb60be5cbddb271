"""What screens remember: read back, a section at a time, and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.settings.preferences import FILE_NAME, read_preferences, write_preferences


def test_a_section_is_read_back_and_the_others_stay(config_dir: Path) -> None:
    assert read_preferences("charts") == {}
    write_preferences("charts", {"smoothing": 0.5})
    write_preferences("launcher", {"models": ["VGG16"]})
    write_preferences("charts", {"smoothing": 0.9})
    assert read_preferences("charts") == {"smoothing": 0.9}
    assert read_preferences("launcher") == {"models": ["VGG16"]}
    assert [path.name for path in config_dir.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"charts": 3}', "\ud800", "[" * 10_000])
def test_a_file_that_makes_no_sense_is_as_good_as_none(config_dir: Path, text: str) -> None:
    config_dir.mkdir(exist_ok=True)
    (config_dir / FILE_NAME).write_text(text, encoding="utf-8", errors="surrogatepass")
    assert read_preferences("charts") == {}
    write_preferences("charts", {"axis": "seconds"})
    assert read_preferences("charts") == {"axis": "seconds"}


def test_a_folder_that_cannot_be_made_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CIFAR_TUI_CONFIG", str(tmp_path / "file" / "config"))
    write_preferences("charts", {"axis": "seconds"})
    assert read_preferences("charts") == {}
