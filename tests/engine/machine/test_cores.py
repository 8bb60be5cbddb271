"""The cores that this process may use: those it may run on, and what its container allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.machine import cores


@pytest.mark.parametrize(
    ("text", "quota"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("nonsense\n", None)]
)
def test_a_quota_of_the_container_counts(tmp_path: Path, text: str, quota: float | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert cores.core_quota(tmp_path) == quota


@pytest.mark.parametrize(
    ("visible", "text", "usable"),
    [
        (64, "max 100000", 64),
        (64, "150000 100000", 2),
        (1, "150000 100000", 1),
        (2, "5000 100000", 1),
    ],
)
def test_a_part_of_a_core_counts_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: int, text: str, usable: int
) -> None:
    monkeypatch.setattr(cores, "visible_cores", lambda: visible)
    (tmp_path / "cpu.max").write_text(text)
    assert cores.usable_cores(tmp_path) == usable
