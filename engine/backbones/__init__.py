"""The catalogue: what is known of each backbone without loading Keras."""

from __future__ import annotations

from engine.backbones.catalogue import CATALOGUE
from engine.backbones.entry import Backbone, Source, WeightsFile
from engine.errors import InputError

__all__ = ["CATALOGUE", "Backbone", "Source", "WeightsFile", "find_backbone"]


def find_backbone(name: str) -> Backbone:
    """The catalogue entry of this name, in any case.

    Raises:
        InputError: no such entry; names the nearest.
    """
    by_name = {entry.name.lower(): entry for entry in CATALOGUE}
    wanted = name.strip().lower()
    if wanted in by_name:
        return by_name[wanted]
    import difflib  # every command imports this module, hardly one needs it

    near = difflib.get_close_matches(wanted, by_name, n=1, cutoff=0.6)
    hint = f"did you mean {by_name[near[0]].name}? " if near else ""
    raise InputError(
        f"expected a model of the catalogue, found {name!r}; {hint}`cifar-tui models` lists all"
    )
