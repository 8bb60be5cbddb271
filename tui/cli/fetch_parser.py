"""The options of `cifar-tui fetch`."""

from __future__ import annotations

import argparse
from functools import partial

from engine.config.dataset_names import BUILT_IN
from engine.config.settings import IMAGE_SIZE
from tui.cli.arguments import TEXT


def add_fetch(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fetch`."""
    parser.add_argument("models", metavar="MODEL", nargs="*", help="`cifar-tui models` lists them")
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        action="append",
        type=partial(TEXT.read, "--dataset"),
        help=f"fetch these images as well: {', '.join(row.name for row in BUILT_IN)}, or those of "
        "an installed package; may be repeated",
    )
    parser.add_argument(
        "--image-size",
        metavar="PX",
        type=partial(IMAGE_SIZE.read, "--image-size"),
        help="pixels; MobileNet and MobileNetV2 have weights for each size (default: the model's)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object at the end")
