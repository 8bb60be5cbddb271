"""`cifar-tui models`: list the model catalogue, without loading TensorFlow."""

from __future__ import annotations

import argparse
import json
import sys

from engine.backbones.catalogue import CATALOGUE
from engine.backbones.entry import Backbone
from engine.common.text import count
from engine.weights.locate import weights_state
from tui.cli.output import use_utf8

TITLES = ("model", "params", "depth", "FLOPs", "ImageNet", "px", "least px", "weights")


def run(arguments: argparse.Namespace) -> int:
    """Print every entry with its figures and where its weights are."""
    if arguments.json:
        use_utf8(sys.stdout)
        entries = [_plain(entry) for entry in CATALOGUE]
        print(json.dumps(entries, indent=1, allow_nan=False, ensure_ascii=False))
    else:
        rows = [TITLES, *(_cells(entry) for entry in CATALOGUE)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(TITLES))]
        for row in rows:
            print(_line(row, widths))
    return 0


def _plain(entry: Backbone) -> dict[str, object]:
    return {
        "name": entry.name,
        "parameters": entry.parameters,
        "depth": entry.depth,
        "flops": entry.flops,
        "imagenet_top1": entry.imagenet_top1,
        "image_size": entry.image_size,
        "min_image_size": entry.min_image_size,
        "weights": weights_state(entry),
    }


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


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers, weights = row
    middle = [text.rjust(width) for text, width in zip(numbers, widths[1:-1], strict=True)]
    return "  ".join([name.ljust(widths[0]), *middle, weights])
