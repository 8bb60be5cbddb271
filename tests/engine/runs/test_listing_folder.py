"""The folder that holds the runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import InputError
from engine.runs.listing import open_runs_dir


def test_a_runs_folder_that_cannot_be_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--runs-dir"):
        open_runs_dir(tmp_path / "file" / "runs")
    assert open_runs_dir(tmp_path / "new" / "runs").is_dir()
    assert list((tmp_path / "new" / "runs").iterdir()) == []
