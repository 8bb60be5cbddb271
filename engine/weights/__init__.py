"""Pretrained weights: where a backbone's file is, how it gets here, how it goes into a model."""

from __future__ import annotations

from engine.weights.load import load_into
from engine.weights.locate import (
    check_obtainable,
    check_weights,
    check_weights_option,
    choose_file,
    locate_weights,
    weights_state,
)
from engine.weights.own import OwnNetwork, load_own, read_own

__all__ = [
    "OwnNetwork",
    "check_obtainable",
    "check_weights",
    "check_weights_option",
    "choose_file",
    "load_into",
    "load_own",
    "locate_weights",
    "read_own",
    "weights_state",
]
