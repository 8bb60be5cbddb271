"""The weights of an earlier run, to start another from: backbone and, if it fits, head.

A whole network as a run exports it (`model.keras`), or as Keras saves that again (`.h5`,
`.weights.h5`). Opening one does not need Keras.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.backbones.entry import Backbone
from engine.errors import InputError
from engine.model.blocks import HEAD_DENSE
from engine.weights.hdf5 import one_line, open_weights, read_names
from engine.weights.load import UNREADABLE, legacy_layout, load_into

if TYPE_CHECKING:
    import h5py

    from engine.model.build import Classifier


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """A whole network of this program in a file."""

    model: str
    """Name of its catalogue entry; empty where the file does not say."""
    classes: int
    """Number of classes of its head."""


def read_own(path: Path) -> OwnNetwork | None:
    """Read which network of this program a weights file holds; None for any other weights.

    Raises:
        InputError: not a weights file, or a damaged one.
    """
    try:
        with open_weights(path) as file:
            legacy = legacy_layout(file)
            return _read_legacy(file, legacy) if legacy is not None else _read_keras3(file)
    except UNREADABLE as error:
        raise InputError(path, "a whole weights file", one_line(error), "fetch it again") from error


def check_own(path: Path, backbone: Backbone) -> None:
    """Reject the weights of another model's run; for a model from scratch, all but its own.

    A file that holds no network of this program may be a published one of a backbone.

    Raises:
        InputError: names the file, the model and what was found.
    """
    own = read_own(path)
    if own is None and backbone.from_scratch:
        expected = f"the model.keras of a run of {backbone.name}, which has no other weights"
        found = "weights that name no run's network"
        raise InputError(path, expected, found, "leave `weights` out")
    if own is not None and own.model not in ("", backbone.name):
        raise InputError(
            path,
            f"weights of {backbone.name}",
            f"those of a run of {own.model}",
            "train that model with them, or leave `weights` out",
        )


def load_own(
    classifier: Classifier, path: Path, own: OwnNetwork, *, has_same_classes: bool | None = None
) -> str:
    """Load a whole network's weights into a classifier, all of them or none.

    Args:
        classifier: as it was built, everything trainable.
        path: the file.
        own: what `read_own` found in it.
        has_same_classes: whether its classes are those of this run; None where only their number
            is known.

    Returns:
        A sentence on what was loaded.

    Raises:
        InputError: it is of another model.
    """
    from engine.model.build import with_head

    network = classifier.network
    classes = int(network.output_shape[-1])
    fits = own.classes == classes and has_same_classes is not False
    # The file's own head needs a place, so that every array of the file has one.
    taking = network if fits else with_head(classifier, own.classes)
    load_into(taking, path, network.name, whole=True)
    if fits:
        known = "" if has_same_classes else ", for as many classes; the file does not name them"
        return f"starts from all weights of {path}, including its head{known}"
    of = f"{own.classes} classes, not {classes}"
    if own.classes == classes:
        of = "other classes"
    return f"starts from the weights of {path} except its head, which is for {of}"


def _read_legacy(file: h5py.File, group: h5py.Group) -> OwnNetwork | None:
    if HEAD_DENSE not in read_names(group, "layer_names"):
        return None
    head = group[HEAD_DENSE]
    kernel, *_ = read_names(head, "weight_names")
    config = json.loads(file.attrs.get("model_config", "{}")).get("config", {})
    return OwnNetwork(str(config.get("name", "")), _width(head[kernel]))


def _read_keras3(file: h5py.File) -> OwnNetwork | None:
    for layer in file.get("layers", {}).values():
        if _name(layer) == HEAD_DENSE:
            return OwnNetwork(_name(file), _width(layer["vars/0"]))
    return None


def _name(group: h5py.Group) -> str:
    """Return the name of a layer, or of a model, as Keras 3 keeps it beside its weights."""
    name: Any = group["vars"].attrs.get("name", "") if "vars" in group else ""
    return name.decode() if isinstance(name, bytes) else str(name)


def _width(kernel: h5py.Dataset) -> int:
    if len(kernel.shape) != 2 or not kernel.shape[1]:
        raise ValueError(f"a head of shape {kernel.shape}")
    return int(kernel.shape[1])
