"""Empty caches and a file of weights as Keras publishes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SaveLegacy = Callable[[Any, Path], Path]


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Empty places of Keras' and of our own for weights files."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "keras" / "models").mkdir(parents=True)
    return tmp_path / "keras" / "models", tmp_path / "cache" / "cifar-tui" / "weights"


@pytest.fixture(scope="session")
def save_legacy() -> SaveLegacy:
    """Saves a model's weights as Keras publishes its files."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    def save(model: Any, path: Path) -> Path:
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)
        return path

    return save


@pytest.fixture(scope="session")
def plain_mobilenet() -> Any:
    """MobileNetV2 with random weights."""
    import keras

    return keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))


@pytest.fixture(scope="session")
def published(
    plain_mobilenet: Any, save_legacy: SaveLegacy, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Its file in the published layout."""
    return save_legacy(plain_mobilenet, tmp_path_factory.mktemp("published") / "legacy.h5")
