"""The options of `cifar-tui fetch`, and the one for mirrors that other commands share."""

from __future__ import annotations

import argparse
from functools import partial

from engine.config.dataset_names import BUILT_IN
from engine.config.option_table import IMAGE_SIZE
from engine.download.mirror import MIRROR_VARIABLE
from tui.cli.arguments import TEXT, read_path


def add_mirror(parser: argparse.ArgumentParser, default: str | None = argparse.SUPPRESS) -> None:
    """Add `--mirror`; without a default, what was given before the command stands."""
    parser.add_argument(
        "--mirror",
        metavar="DIR|URL",
        default=default,
        type=partial(TEXT.read, "--mirror"),
        help="take weights and data from here, not from their servers; `cifar-tui fetch --to DIR` "
        f"makes one (default: ${MIRROR_VARIABLE})",
    )


def add_fetch(parser: argparse.ArgumentParser) -> None:
    """Add all that `fetch` takes."""
    parser.add_argument("models", metavar="MODEL", nargs="*", help="`cifar-tui models` lists them")
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        action="append",
        type=partial(TEXT.read, "--dataset"),
        help=f"fetch these images as well: {', '.join(row.name for row in BUILT_IN)}, or those of "
        "an installed package; may be given again",
    )
    parser.add_argument(
        "--image-size",
        metavar="PX",
        type=partial(IMAGE_SIZE.read, "--image-size"),
        help="pixels; MobileNet and MobileNetV2 have weights for each size (default: the model's)",
    )
    parser.add_argument(
        "--to",
        metavar="DIR",
        type=partial(read_path, "--to"),
        help="gather all of it there, for --mirror on a machine without a network (default: the "
        "cache, where training looks)",
    )
    add_mirror(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object at the end")
