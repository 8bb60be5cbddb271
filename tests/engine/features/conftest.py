"""A small entry of several tensors, and processes that use its cache."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.features.file_format import Layout
from engine.features.store import FeatureStore

SOURCE = Path(__file__).parents[3]
ROWS = 1003
LAYOUTS = (Layout((3, 233), "float32"), Layout((5,), "uint16"), Layout((), "int64"))
"""The first takes 2.7 blocks."""


@pytest.fixture
def layouts() -> tuple[Layout, ...]:
    """The tensors of the small entry."""
    return LAYOUTS


@pytest.fixture
def arrays() -> list[NDArray[Any]]:
    """Rows of the small entry: 1,003 of each tensor."""
    random = np.random.default_rng(0)
    return [
        random.normal(size=(ROWS, 3, 233)).astype(np.float32),
        random.integers(0, 1 << 16, (ROWS, 5), dtype=np.uint16),
        random.integers(0, 1 << 40, ROWS),
    ]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """An empty cache with place for many small entries."""
    return FeatureStore(tmp_path, 1 << 30)


@pytest.fixture
def keep(arrays: list[NDArray[Any]]) -> Callable[..., Path]:
    """Writes the small entry under a key; gives its file."""

    def write(store: FeatureStore, key: str, **about: str | int) -> Path:
        with store.writing(key, LAYOUTS, ROWS, about) as writer:
            writer.write(arrays)
            writer.finish()
        return store.folder / f"{key}.features"

    return write


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python on some lines, with `sys.argv[1:]`; killed at the end of the test."""
    processes = []

    def run(code: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=SOURCE,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()
