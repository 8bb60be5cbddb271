"""The architecture's rules that an import can break."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.imports import imported_by

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"keras", "tensorflow", "pandas", "sklearn", "numpy", "textual", "rich"}
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "engine").rglob("*.py")
)
LOADS_KERAS = ("engine.backend.", "engine.features.", "engine.model.", "engine.training.")
"""Packages for the trainer's thread; all others come before the first frame, and stay light."""
LOADED_LATE = {
    "engine.keras_setup.loaded",
    "engine.tools.ensemble_network",
    "engine.weights.efficientnet_lite",
    "engine.weights.torch_pickle",
}
NEEDED_EARLY = {"engine.backend.devices", "engine.model.blocks"}
LIGHT = [
    name
    for name in MODULES
    if name in NEEDED_EARLY or not (name.startswith(LOADS_KERAS) or name in LOADED_LATE)
]


def loaded_by(*modules: str) -> dict[str, set[str]]:
    """The names in sys.modules after importing each of these, in one process, in order."""
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    print(name, *sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *modules],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=300,
    )
    rows = [line.split() for line in result.stdout.splitlines()]
    return {row[0]: set(row[1:]) for row in rows}


def test_the_engine_never_loads_the_front_end() -> None:
    for name, loaded in loaded_by(*MODULES).items():
        assert not loaded & {"textual", "tui"}, name


def test_what_comes_before_the_first_frame_loads_nothing_heavy() -> None:
    for name, loaded in loaded_by(*LIGHT).items():
        assert not loaded & HEAVY, name


@pytest.mark.parametrize(
    "module", ["tui.app", "tui.screens.launcher.screen", "tui.screens.training.screen"]
)
def test_the_first_frame_does_not_wait_for_keras(module: str) -> None:
    loaded = loaded_by(module)[module]
    assert not loaded & {"keras", "tensorflow", "pandas", "sklearn"}


def test_the_launcher_needs_no_events_for_its_first_frame() -> None:
    *_, loaded = loaded_by("tui.cli.launch", "tui.app", "tui.screens.launcher.screen").values()
    # With the snapshot that is folded from them they take a sixth of the time until it is drawn.
    assert "engine.protocol.events" not in loaded


def test_only_the_trainer_calls_fit() -> None:
    callers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "engine").rglob("*.py")
        if ".fit(" in path.read_text() or ".fit," in path.read_text()
    }
    assert callers == {"engine/training/learner.py"}


def test_keras_is_imported_in_one_place_only() -> None:
    """Anywhere else it would come up with whatever the user has set for it."""
    importers, early = set(), set()
    for path in (path for part in ("engine", "tui") for path in (ROOT / part).rglob("*.py")):
        tree = ast.parse(path.read_text())
        name = path.relative_to(ROOT).as_posix()
        importers |= {name for node in ast.walk(tree) if "keras" in imported_by(node)}
        # TensorFlow imports Keras: only a function that runs once that is loaded may ask for it.
        early |= {name for node in tree.body if "tensorflow" in imported_by(node)}
    assert importers == {"engine/keras_setup/loaded.py"}
    # Imported by a function that runs after Keras is loaded.
    assert early == {"engine/backend/tensorflow_step.py"}
