"""The layer panel: the model's layers as a tree, what trains, and the keys that change it."""

from __future__ import annotations

from tui.panels.layers.keys import LayerTree
from tui.panels.layers.panel import LayersPanel

__all__ = ["LayerTree", "LayersPanel"]
