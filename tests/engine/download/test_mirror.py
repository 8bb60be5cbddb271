"""Manifests of mirrors that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.download.mirror import use_mirror
from engine.errors import InputError


def _entry(**changes: Any) -> str:
    entry = {"name": "x", "path": "weights/x.h5", "bytes": 1, "sha256": "0" * 64} | changes
    return json.dumps({"format": 1, "files": [entry]})


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"format": 2, "files": []}',
        '{"format": 1, "files": 7}',
        _entry(path="../../etc/passwd"),
        _entry(path="weights/../../x"),
        _entry(sha256="short"),
        _entry(bytes="many"),
        _entry(name=3),
        "[" * 100_000,
    ],
)
def test_a_manifest_that_is_none_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"expected manifest\.json to list files") as refused:
        use_mirror(str(tmp_path))
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_no_mirror_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--mirror .*expected a folder with manifest\.json"):
        use_mirror(str(tmp_path))
