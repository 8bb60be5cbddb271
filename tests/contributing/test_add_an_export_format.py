"""An export format is added by a row: that of the page is chosen, written and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.runs.listing import RunRecord
from engine.tools import export_formats
from tests.support.page import Page
from tui.__main__ import main

PAGE = Page("add-an-export-format.md")


def test_a_run_is_exported_in_it(
    finished: RunRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    PAGE.add_module("engine.tools.weights_file", monkeypatch)
    row = PAGE.row("engine.tools.export_formats")
    monkeypatch.setattr(export_formats, "FORMATS", (*export_formats.FORMATS, row))
    monkeypatch.setenv("CIFAR_TUI_RUNS", str(tmp_path / "runs"))
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert "weights: the weights alone" in " ".join(capfd.readouterr().out.split())

    to = tmp_path / "net.weights.h5"
    assert main(["export", finished.run_id, "--format", "weights", "--output", str(to)]) == 0
    out = capfd.readouterr().out
    assert out.startswith(f"weights: {to}, ")
    assert "against the run's predictions for the first 256 test images" in out
    assert len(json.loads((tmp_path / f"{to.name}.json").read_text())["classes"]) == 10
