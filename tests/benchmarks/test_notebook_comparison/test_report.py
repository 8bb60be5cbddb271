"""The benchmark's figures as they are printed."""

from __future__ import annotations

import pytest
from notebook_comparison import Bench, Machine, Measurement
from notebook_comparison.report import markdown, text

from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec


@pytest.fixture
def bench() -> Bench:
    """A benchmark of known figures."""
    notebook = Measurement(7.5, {"training": 1_240.0}, 1_240.0, (712.0, 528.0), 0.832, 3 * 2**30)
    engine = {"extracting": 60.0, "tracing": 5.0, "training": 100.0, "validating": 12.0}
    cold = Measurement(8.0, engine, 177.0, (80.0, 97.0), 0.856, 2**31)
    warm = Measurement(8.0, engine | {"extracting": 0.0}, 117.0, (20.0, 97.0), 0.856, 2**31)
    medians = {"notebook": notebook, "cold": cold, "warm": warm}
    return Bench(
        spec=RunSpec("EfficientNetLite0", "digits", NOTEBOOK.stages, image_size=96),
        machine=Machine(
            cpu="AMD EPYC",
            cores=2,
            memory_bytes=2**34,
            gpus=(),
            device="cpu:0",
            backend="tensorflow",
            versions={"keras": "3.15.1", "tensorflow": "2.21.0"},
            revision=None,
        ),
        medians=medians,
        ratios={"cold": 7.005, "warm": 10.6, "head_warm": 35.6},
        rounds=(medians,),
    )


def test_the_table_is_aligned_and_ends_in_the_ratios(bench: Bench) -> None:
    lines = text(bench).splitlines()
    assert lines[0].startswith("EfficientNetLite0 at 96 px; all training images of digits; 5+3")
    assert lines[0].endswith("cpu:0: 2 cores, AMD EPYC; Keras 3.15.1 on tensorflow 2.21.0")
    title, *rows = lines[2:6]
    assert title.split("  ")[0] == "seconds"
    assert len({len(line) for line in (title, *rows)}) == 1
    assert rows[0].split()[:4] == ["plain", "Keras", "(7.5)", "-"]
    assert "1,240.0" in rows[0]
    cells = "cold (8.0) 60.0 5.0 100.0 12.0 177.0 80.0 97.0 0.8560 2.00 GB"
    assert " ".join(rows[1].split()) == cells
    assert lines[-3:] == [
        "plain Keras takes 7.0 times as long (cold)",
        "plain Keras takes 10.6 times as long (warm)",
        "plain Keras takes 35.6 times as long (head only, warm)",
    ]


def test_markdown_has_the_same_cells(bench: Bench) -> None:
    table = [line for line in markdown(bench).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert len(table) == 2 + 3
    assert "| 1,240.0 | 712.0 | 528.0 | 0.8320 | 3.00 GB |" in table[2]
