"""A backbone is added by a row: TinyNet of the page is trained, exported and predicts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from catalogue_figures import figures_in_table, measure_figures
from PIL import Image

from engine.backbones import catalogue, entry
from engine.backbones.entry import Backbone
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.errors import InputError
from engine.protocol.events import FreezeApplied, LogLine
from engine.runs.listing import RunRecord, load_run
from engine.tools.export import export_run
from engine.tools.predict import Predictor, load_model
from engine.weights.locate import weights_state
from tests.support.loopback import LoopbackServer
from tests.support.page import Page
from tests.support.training import Trained, trainer_in

PAGE = Page("add-a-backbone.md")


@dataclass(frozen=True)
class Added:
    """The backbone of the page, with a file of weights on a server of this machine."""

    row: Backbone
    loader: ModuleType
    weights: dict[str, np.ndarray]
    """Those of the file, by their path."""


@pytest.fixture
def added(tmp_path: Path, loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> Added:
    """Adds it as the page says."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    network = PAGE.add_module("engine.model.tiny_net", monkeypatch)
    loader = PAGE.add_module("engine.weights.tiny_net", monkeypatch)
    row = PAGE.row("engine.backbones.catalogue", entry)
    assert isinstance(row, Backbone)
    weights = _random_weights(network.tiny_features)
    np.savez(tmp_path / "tiny_net.npz", allow_pickle=False, **weights)
    content = (tmp_path / "tiny_net.npz").read_bytes()
    (file,) = row.weights
    served = replace(
        file,
        url=loopback.serve("/tiny_net.npz", content),
        hash=f"sha256:{hashlib.sha256(content).hexdigest()}",
    )
    row = replace(row, weights=(served,))
    monkeypatch.setattr(catalogue, "CATALOGUE", (*catalogue.CATALOGUE, row))
    return Added(row, loader, weights)


def _random_weights(features: Callable[[object], object]) -> dict[str, np.ndarray]:
    import keras

    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, features(inputs))
    draw = np.random.default_rng(0).normal
    shapes = {weight.path: weight.shape for weight in model.weights}
    return {
        path: (1 + 0.1 * draw(size=shape) if "bn" in path else 0.2 * draw(size=shape)).astype("f4")
        for path, shape in shapes.items()
    }


SPEC = RunSpec(
    model="TinyNet",
    dataset="digits",
    stages=(Stage("head", 1, 1e-2, 0), Stage("more layers", 1, 1e-3, 3)),
    image_size=32,
    batch_size=32,
    train_limit=100,
    validation=0.2,
)


@pytest.mark.slow("that a network added by a row trains, is exported and predicts")
def test_it_is_trained_exported_and_predicts(added: Added, tmp_path: Path) -> None:
    assert weights_state(added.row) == "to download (1 MB)"
    trained = trainer_in(tmp_path)(SPEC)
    assert trained.status == "completed"
    assert weights_state(added.row) == "here"
    _check_what_trained(trained, added)
    run = load_run(trained.directory.path)
    done = export_run(run, "keras", tmp_path / "tiny.keras")
    assert done.against == "the run's predictions for the first 256 test images"
    Image.new("RGB", (8, 8), "white").save(tmp_path / "white.png")
    assert len(Predictor(run).predict(tmp_path / "white.png").classes) == 5


def _check_what_trained(trained: Trained, added: Added) -> None:
    """The file's weights are in the layers that stayed frozen, and in no other."""
    last = [len(applied.trainable) for applied in trained.all(FreezeApplied)]
    assert last == sorted(set(last))
    (arrives,) = [line.text for line in trained.all(LogLine) if "input check" in line.text]
    assert arrives.startswith("TinyNet: input check passed (")
    assert arrives.endswith(" for 0 to 1, RGB)")
    record: RunRecord = load_run(trained.directory.path)
    found = {weight.path: np.asarray(weight) for weight in load_model(record).weights}
    same = {path for path, value in added.weights.items() if np.array_equal(found[path], value)}
    assert "block1_conv/kernel" in same
    assert "block2_conv/kernel" not in same


def test_its_figures_are_those_that_the_script_prints(added: Added) -> None:
    assert measure_figures(added.row) == figures_in_table(added.row)


@pytest.mark.parametrize("arrays", [{"block1_conv/kernel": np.zeros((3, 3, 3, 8))}, None])
def test_a_file_of_another_model_is_rejected(
    added: Added, arrays: dict[str, np.ndarray] | None, tmp_path: Path
) -> None:
    import keras

    path = tmp_path / "other.npz"
    path.write_text("no archive")
    if arrays is not None:
        np.savez(path, allow_pickle=False, **arrays)
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(8, 3, name="block1_conv")(inputs))
    with pytest.raises(InputError, match="expected the weights of TinyNet"):
        added.loader.load_tiny_weights(model, path)
