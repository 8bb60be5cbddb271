"""The models: built, shown as a tree, measured, and told what trains."""

from engine.model.build import Classifier, build_classifier, calibrate_batchnorm
from engine.model.graph import leaf_layers, leaves
from engine.model.measure import measure_depth, measure_flops, model_facts
from engine.model.trainable import (
    apply_trainable,
    describe_selection,
    parameter_counts,
    select_last,
    trainable_names,
)
from engine.model.tree import layer_tree

__all__ = [
    "Classifier",
    "apply_trainable",
    "build_classifier",
    "calibrate_batchnorm",
    "describe_selection",
    "layer_tree",
    "leaf_layers",
    "leaves",
    "measure_depth",
    "measure_flops",
    "model_facts",
    "parameter_counts",
    "select_last",
    "trainable_names",
]
