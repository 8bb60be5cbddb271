"""Load a weights file into a model, after checking that it is that model's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from engine.backbones.entry import Backbone
from engine.errors import InputError
from engine.weights.hdf5 import open_weights, read_dataset, read_group, read_names

if TYPE_CHECKING:
    import h5py

    from engine.keras_setup.loaded import keras

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, OSError)
NO_WEIGHTS = ("optimizer", "seed_generator")


def load_published(model: keras.Model, path: Path, backbone: Backbone) -> None:
    """Load a backbone's published weights, all of them or none, with the loader of its row.

    Args:
        model: as for `load_into`.
        path: the file, as `locate_weights` found it.
        backbone: the catalogue entry.

    Raises:
        InputError: not its weights, damaged, or not finite.
    """
    if not backbone.weights_loader:
        load_into(model, path, backbone.name)
        return
    resolve_name(backbone.weights_loader)(model, path)
    check_finite(model, path)


def load_into(model: keras.Model, path: Path, backbone_name: str, *, whole: bool = False) -> None:
    """Load a Keras weights file into a model, all of it or nothing.

    Reads the legacy HDF5 layout that Keras publishes its ImageNet weights in and the layout that
    `save_weights` and `save` of Keras 3 write. Layers are matched by their order, as Keras does, so
    their names may differ; every count and shape is compared before anything is assigned.

    Args:
        model: built, with exactly the backbone's layers as those that have weights, at the top
            level as its constructor leaves them; still trainable, since Keras' legacy layout
            orders the weights of a nested layer by what is trainable in it.
        path: HDF5 file or `.keras` archive.
        backbone_name: for the error.
        whole: whether the model is a whole classifier with its head; for the error.

    Raises:
        InputError: not a weights file, damaged, of another model, or with weights that are not
            finite.
    """
    _load_keras(model, path, backbone_name, whole=whole)
    check_finite(model, path)


def check_finite(model: keras.Model, path: Path) -> None:
    """Reject weights that are not finite, naming their layer.

    Args:
        model: has the weights of the file.
        path: of the file, for the error.

    Raises:
        InputError: names the first such layer.
    """
    import numpy as np

    for weight in model.weights:
        if not np.isfinite(np.asarray(weight.value)).all():
            layer = weight.path.rpartition("/")[0] or weight.path
            raise InputError(
                f"{path}: expected finite weights, found NaN or infinity in the layer {layer}; "
                "give another file"
            )


def _load_keras(model: keras.Model, path: Path, backbone_name: str, *, whole: bool) -> None:
    try:
        with open_weights(path) as file:
            legacy = legacy_layout(file)
            if legacy is not None:
                _assign(model, _legacy_values(model, legacy))
                return
            _compare_shapes(model, file)
        if not path.name.endswith((".weights.h5", ".keras")):
            raise ValueError("Keras 3's layout under another ending: rename it to .weights.h5")
        model.load_weights(str(path))
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        part = "with its head" if whole else "without its classifier"
        raise InputError(
            f"{path}: expected the weights of {backbone_name} {part}, found {reason}; "
            "give the file of this model, or leave --weights out"
        ) from error


def legacy_layout(file: h5py.File) -> h5py.Group | None:
    """Return the group that lists the layers, if the file is in the legacy layout."""
    if read_names(file, "layer_names") is not None:
        return file
    if "model_weights" in file:
        whole_model = read_group(file, "model_weights")
        if read_names(whole_model, "layer_names") is not None:
            return whole_model
    return None


def _legacy_values(model: keras.Model, group: h5py.Group) -> list[tuple[Any, Any]]:
    """Return each variable with its value from the file, read and of the right shape."""
    layers = [layer for layer in model.layers if layer.weights]
    saved = []
    for name in read_names(group, "layer_names") or []:
        weights = read_group(group, name)
        names = read_names(weights, "weight_names")
        if names:
            saved.append((name, [read_dataset(weights, weight) for weight in names]))
    if len(saved) != len(layers):
        raise ValueError(f"{len(saved)} layers with weights instead of {len(layers)}")
    pairs: list[tuple[Any, Any]] = []
    for layer, (name, datasets) in zip(layers, saved, strict=True):
        variables = layer.trainable_weights + layer.non_trainable_weights
        wanted = [tuple(variable.shape) for variable in variables]
        found = [dataset.shape for dataset in datasets]
        if wanted != found:
            raise ValueError(f"layer {name} of shapes {found} instead of {wanted}")
        pairs += zip(variables, datasets, strict=True)
    # Reading can fail on a damaged file, so all of it comes before the first assignment.
    return [(variable, dataset[()]) for variable, dataset in pairs]


def _assign(model: keras.Model, values: list[tuple[Any, Any]]) -> None:
    for variable, value in values:
        variable.assign(value)
    for layer in model.layers:
        # Normalization computes with values that it derives from its weights here.
        if layer.weights and hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _compare_shapes(model: keras.Model, file: h5py.File) -> None:
    """Reject a file that does not hold what Keras 3's own loader will look for."""
    import h5py

    found: Counter[tuple[int, ...]] = Counter()

    def count(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and not any(part in name for part in NO_WEIGHTS):
            found[item.shape] += 1

    file.visititems(count)
    wanted = Counter(tuple(weight.shape) for weight in model.weights)
    if found.total() != wanted.total():
        raise ValueError(f"{found.total()} arrays instead of {wanted.total()}")
    if found != wanted:
        shapes = (sorted(found - wanted)[0], sorted(wanted - found)[0])
        raise ValueError(f"an array of shape {shapes[0]} where one of {shapes[1]} belongs")
