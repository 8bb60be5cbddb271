"""Parameters, depth and FLOPs of each network as the catalogue gives them, from the network itself.

    python tests/benchmarks/catalogue_figures.py [NAME ...] [--check]

Each is built with random weights at its default size, as the docstring of CATALOGUE says. All of
them take 215 seconds of a processor and 3.3 GB of memory. `--check` prints the rows that differ
and exits 1 where there are any.
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.backbones.entry import Backbone

CLASSES = 10


class Figures(NamedTuple):
    """What a row of the catalogue says of the size of its network."""

    parameters: int
    depth: int
    flops: int

    def __str__(self) -> str:
        """As a row has them."""
        return f"parameters={self.parameters:_}, depth={self.depth}, flops={self.flops:_}"


def figures_in_table(entry: Backbone) -> Figures:
    """Those of the row."""
    return Figures(entry.parameters, entry.depth, entry.flops)


def measure_figures(entry: Backbone) -> Figures:
    """Build the network and measure it: seconds, and four bytes a parameter."""
    from engine.model.build import build_classifier
    from engine.model.measure import measure_depth, measure_flops

    network = build_classifier(
        entry,
        image_shape=(32, 32, 3),
        image_size=entry.image_size,
        classes=CLASSES,
        seed=0,
        load_weights=None,
    ).network
    head = 0 if entry.from_scratch else network.layers[-1].count_params()
    return Figures(network.count_params() - head, measure_depth(network), measure_flops(network))


def main() -> int:
    """Print the figures of each network, or with `--check` those that differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the catalogue; all without")
    parser.add_argument("--check", action="store_true", help="compare with the table")
    asked = parser.parse_args()
    wrong = 0
    for entry in [find_backbone(name) for name in asked.names] or CATALOGUE:
        table, measured = figures_in_table(entry), measure_figures(entry)
        if not asked.check:
            print(f"{entry.name}: {measured}", flush=True)
        elif table != measured:
            wrong += 1
            print(f"{entry.name}: expected {measured}, found in the table {table}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
