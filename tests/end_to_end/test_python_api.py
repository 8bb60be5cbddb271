"""The reference of the Python API does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "python-api.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SAID = re.compile(r"print\(.*\) +# ((?:completed|epochs:) .*)$", re.MULTILINE)
"""What is printed, where the document has all of it."""


def test_its_examples_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = REFERENCE.read_text()
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "reference"}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        # Newlines before it: a traceback names the line of the document.
        exec(compile("\n" * line + block[1], str(REFERENCE), "exec"), names)
    printed = capfd.readouterr().out
    for said in SAID.findall(text):
        assert f"{said}\n" in printed
    assert "<Run 2" in printed
    assert "engine.resume('" in printed
