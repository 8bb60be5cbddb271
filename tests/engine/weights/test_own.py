"""Beginning from a run of one's own: its whole network goes in, its head where it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from engine.backbones.catalogue import find_backbone
from engine.common.progress import ignore_progress
from engine.errors import InputError
from engine.model.build import Classifier, build_classifier
from engine.weights.locate import check_weights, check_weights_option, locate_weights
from engine.weights.own import OwnNetwork, load_own, read_own

NAMES = ("net.keras", "net.h5", "net.weights.h5")
MODELS = ("CustomCNN", "MobileNetV2")


def built(model: str, classes: int = 10, seed: int = 0, size: int = 32) -> Classifier:
    return build_classifier(
        find_backbone(model),
        image_shape=(8, 8, 3),
        image_size=size,
        classes=classes,
        seed=seed,
        load_weights=None,
    )


def trained(model: str) -> Classifier:
    """One whose weights are none that building gives."""
    classifier = built(model, seed=1)
    for layer in classifier.network.layers:
        layer.set_weights([1.1 * value + 0.01 for value in layer.get_weights()])
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return classifier


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each model, with its network in every form."""
    folders = {}
    for model in MODELS:
        folder = folders[model] = tmp_path_factory.mktemp(model)
        network = trained(model).network
        network.save(folder / "net.keras")
        network.save(folder / "net.h5")
        network.save_weights(folder / "net.weights.h5")
    return folders


def values(network: Any, *, head: bool = True) -> list[np.ndarray]:
    layers = network.layers if head else network.layers[:-1]
    return [value for layer in layers for value in layer.get_weights()]


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *(("CustomCNN", name) for name in NAMES),
        *(
            pytest.param("MobileNetV2", name, marks=pytest.mark.slow("that a backbone's fit, too"))
            for name in NAMES
        ),
    ],
)
def test_all_of_a_run_comes_back(model: str, name: str, files: dict[str, Path]) -> None:
    path = files[model] / name
    own = read_own(path)
    assert own == OwnNetwork(model, 10) or (name, own) == ("net.weights.h5", OwnNetwork("", 10))
    check_weights_option(find_backbone(model), str(path))
    assert locate_weights(find_backbone(model), 32, str(path), ignore_progress) == path
    assert own is not None
    classifier = built(model, size=32 if model == "CustomCNN" else 48)
    words = load_own(classifier, path, own, has_same_classes=True)
    assert words.endswith("including its head")
    before = keras.models.load_model(files[model] / "net.keras")
    assert same(values(classifier.network), values(before))


@pytest.mark.slow("that EfficientNet's own scale survives, with its real architecture")
def test_a_scale_that_was_put_right_is_not_put_right_again(tmp_path: Path) -> None:
    """As it is in EfficientNet's published weights, and only in those."""
    saved, classifier = trained("EfficientNetB0").network, built("EfficientNetB0")
    saved.save(tmp_path / "net.keras")
    load_own(classifier, tmp_path / "net.keras", OwnNetwork("EfficientNetB0", 10))
    assert same(values(classifier.network), values(saved))
    assert np.array_equal(*(net.layers[2].variance for net in (classifier.network, saved)))


@pytest.mark.parametrize("name", NAMES)
def test_a_head_of_other_classes_stays_as_it_was_made(name: str, files: dict[str, Path]) -> None:
    classifier = built("CustomCNN", classes=3)
    head = classifier.network.layers[-1].get_weights()
    words = load_own(classifier, files["CustomCNN"] / name, OwnNetwork("CustomCNN", 10))
    assert words.endswith("except its head, which is for 10 classes, not 3")
    before = keras.models.load_model(files["CustomCNN"] / "net.keras")
    assert same(values(classifier.network, head=False), values(before, head=False))
    assert same(classifier.network.layers[-1].get_weights(), head)


def test_what_is_no_network_of_ours_is_told(published: Path, tmp_path: Path) -> None:
    assert read_own(published) is None
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "other.keras")
    assert read_own(tmp_path / "other.keras") is None


def test_a_model_from_scratch_takes_only_its_own(
    files: dict[str, Path], published: Path, tmp_path: Path
) -> None:
    custom = find_backbone("CustomCNN")
    (tmp_path / "text.keras").write_text("no archive")
    wrong = {
        str(published): "expected the model.keras of a run of CustomCNN",
        str(files["MobileNetV2"] / "net.keras"): "expected weights of CustomCNN, found those of a",
        "/nope/none.h5": "found nothing there",
        str(tmp_path / "text.keras"): "found one that begins with b'no archi'",
    }
    for path, said in wrong.items():
        with pytest.raises(InputError) as rejected:
            check_weights_option(custom, path)
        assert str(rejected.value).startswith(f"weights: {path}: expected")
        assert said in str(rejected.value)
        assert "\n" not in str(rejected.value)
    for word in ("imagenet", "none"):
        check_weights_option(custom, word)


def test_the_run_of_another_model_is_named(files: dict[str, Path]) -> None:
    path = str(files["CustomCNN"] / "net.keras")
    with pytest.raises(InputError, match=r"expected weights of MobileNetV2, found .* of CustomCNN"):
        check_weights_option(find_backbone("MobileNetV2"), path)


def test_of_several_models_the_wrong_one_is_named(files: dict[str, Path], published: Path) -> None:
    models = [find_backbone(name) for name in ("CustomCNN", "EfficientNetLite0")]
    with pytest.raises(InputError, match="expected weights of EfficientNetLite0, found"):
        check_weights(models, str(files["CustomCNN"] / "net.keras"))
    models[0] = find_backbone("MobileNetV2")
    with pytest.raises(InputError, match=r"one at most, found MobileNetV2, EfficientNetLite0;"):
        check_weights(models, str(published))
    check_weights(models[:1] * 2, str(published))
    check_weights(models, "none")


@pytest.mark.parametrize("name", NAMES)
def test_another_network_changes_nothing(name: str, files: dict[str, Path]) -> None:
    classifier = built("CustomCNN")
    before = values(classifier.network)
    with pytest.raises(InputError, match="expected the weights of CustomCNN with its head"):
        load_own(classifier, files["MobileNetV2"] / name, OwnNetwork("", 10))
    assert same(values(classifier.network), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_one_line(name: str, files: dict[str, Path], tmp_path: Path) -> None:
    content = (files["CustomCNN"] / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError) as rejected:
        check_weights_option(find_backbone("CustomCNN"), str(path))
    assert str(rejected.value).startswith(f"weights: {path}: expected")
    assert "\n" not in str(rejected.value)


def test_the_head_of_as_many_other_classes_is_left(files: dict[str, Path]) -> None:
    path = files["CustomCNN"] / "net.keras"
    own = read_own(path)
    assert own is not None
    classifier = built("CustomCNN")
    before = values(classifier.network)
    words = load_own(classifier, path, own, has_same_classes=False)
    assert words.endswith("except its head, which is for other classes")
    after = values(classifier.network)
    assert not np.array_equal(before[0], after[0])
    assert np.array_equal(before[-2], after[-2])
