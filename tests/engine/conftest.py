"""Small real things that several engine tests start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.machine.provenance import Origin
from engine.runs.directory import RunDirectory, SpecFile, create_run


@pytest.fixture
def spec() -> RunSpec:
    """A backbone run of two stages."""
    return RunSpec(
        model="EfficientNetLite0",
        dataset="digits",
        stages=(Stage("head", 2, 1e-3, 0), Stage("fine-tune", 1, 1e-5, 30)),
        image_size=32,
        batch_size=32,
    )


@pytest.fixture
def spec_file(spec: RunSpec) -> SpecFile:
    """What `spec.json` would hold for `spec`, made on another machine."""
    origin = Origin("elsewhere", 1, "tensorflow", {"keras": "3"}, None)
    return SpecFile(spec, (spec.model,), 0, 1_700_000_000.0, origin)


@pytest.fixture
def directory(tmp_path: Path, spec_file: SpecFile) -> RunDirectory:
    """A run directory that holds only its spec."""
    return create_run(tmp_path, spec_file)
