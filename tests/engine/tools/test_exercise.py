"""The exercise's comparison: which of its models can be trained on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.backbones.catalogue import find_backbone
from engine.errors import InputError
from engine.tools.exercise import EXERCISE_MODELS, exercise_models
from engine.weights.locate import choose_file


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without weights, whose network refuses every connection."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_without_weights_and_network_the_plain_network_is_left() -> None:
    models, skipped = exercise_models()
    assert models == ("CustomCNN",)
    assert [entry.model for entry in skipped] == list(EXERCISE_MODELS[1:])
    for entry in skipped:
        assert entry.reason.startswith("https://storage.googleapis.com/")
        assert "check the network and try again, or put the file at" in entry.reason
        assert "\n" not in entry.reason


def test_weights_that_are_here_are_used(keras_home: Path) -> None:
    file = choose_file(find_backbone("VGG16"), 64)
    assert file is not None
    (keras_home / file.file).write_bytes(b"")
    models, _ = exercise_models(["efficientnetlite0", "customcnn"])
    assert models == ("CustomCNN", "VGG16", "EfficientNetLite0")


def test_random_weights_need_no_network() -> None:
    assert exercise_models(weights="none") == (EXERCISE_MODELS, ())


def test_a_file_of_weights_is_refused() -> None:
    with pytest.raises(InputError, match="fits one model at most"):
        exercise_models(weights="vgg16.h5")
