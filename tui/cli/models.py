"""`cifar-tui models`: list the model catalogue, without loading TensorFlow."""

from __future__ import annotations

import argparse

from engine.backbones.catalogue import CATALOGUE
from engine.backbones.entry import Backbone
from engine.common.text import aligned, count
from engine.weights.locate import weights_state
from tui.cli.output import print_json

FIELDS = ["name", "parameters", "depth", "flops", "imagenet_top1", "image_size", "min_image_size"]
TITLES = ("model", "params", "depth", "FLOPs", "ImageNet", "px", "least px", "weights")


def run(arguments: argparse.Namespace) -> int:
    """Print every entry with its figures and where its weights are."""
    if arguments.json:
        print_json([_plain(entry) for entry in CATALOGUE])
    else:
        right = [False, *[True] * (len(TITLES) - 2), False]
        print("\n".join(aligned([TITLES, *map(_cells, CATALOGUE)], right)))
    return 0


def _plain(entry: Backbone) -> dict[str, object]:
    plain: dict[str, object] = {name: getattr(entry, name) for name in FIELDS}
    return plain | {"weights": weights_state(entry)}


def _cells(entry: Backbone) -> tuple[str, ...]:
    top1 = entry.imagenet_top1
    return (
        entry.name,
        count(entry.parameters),
        str(entry.depth),
        count(entry.flops),
        "-" if top1 is None else f"{100 * top1:.1f} %",
        str(entry.image_size),
        str(entry.min_image_size),
        weights_state(entry),
    )
