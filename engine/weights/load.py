"""Load a weights file into a model, after checking that it is that model's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from engine.backbones.entry import Backbone
from engine.errors import InputError
from engine.weights.hdf5 import one_line, open_weights, read_names

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
    _check_finite(model, path)


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
    before = model.get_weights()
    try:
        with open_weights(path) as file:
            legacy = legacy_layout(file)
            _compare_shapes(model, file, legacy)
        # Keras chooses the reader by the ending, not by what is in the file.
        layout, ending = ("Keras 3's layout", ".weights.h5")
        if legacy is not None:
            layout, ending = ("the legacy layout", ".h5")
        if path.suffix != ".keras" and path.name.endswith(".weights.h5") == (legacy is not None):
            raise ValueError(f"{layout} under another ending: rename it to {ending}")
        model.load_weights(str(path))
    except UNREADABLE as error:
        model.set_weights(before)
        part = "with its head" if whole else "without its classifier"
        raise InputError(
            path,
            f"the weights of {backbone_name} {part}",
            one_line(error),
            "give the file of this model, or leave `weights` out",
        ) from error
    _check_finite(model, path)


def legacy_layout(file: h5py.File) -> h5py.Group | None:
    """Return the group that lists the layers, if the file is in the legacy layout."""
    for group in (file, file.get("model_weights")):
        if group is not None and read_names(group, "layer_names"):
            return group
    return None


def _compare_shapes(model: keras.Model, file: h5py.File, legacy: h5py.Group | None) -> None:
    """Reject a file without exactly the arrays of the model, before anything is assigned."""
    found = Counter(_legacy_shapes(legacy) if legacy is not None else _shapes(file))
    wanted = Counter(tuple(weight.shape) for weight in model.weights)
    if found.total() != wanted.total():
        raise ValueError(f"{found.total()} arrays instead of {wanted.total()}")
    if found != wanted:
        shapes = (sorted(found - wanted)[0], sorted(wanted - found)[0])
        raise ValueError(f"an array of shape {shapes[0]} where one of {shapes[1]} belongs")


def _legacy_shapes(group: h5py.Group) -> Iterator[tuple[int, ...]]:
    for name in read_names(group, "layer_names"):
        layer = group[name]
        for weight in read_names(layer, "weight_names"):
            yield layer[weight].shape


def _shapes(file: h5py.File) -> list[tuple[int, ...]]:
    import h5py

    shapes: list[tuple[int, ...]] = []

    def note(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and not any(part in name for part in NO_WEIGHTS):
            shapes.append(item.shape)

    file.visititems(note)
    return shapes


def _check_finite(model: keras.Model, path: Path) -> None:
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
            found = f"NaN or infinity in the layer {layer}"
            raise InputError(path, "finite weights", found, "give another file")
