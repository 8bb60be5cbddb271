"""The layer panel: the model's layers as a tree, what trains, and the keys that change it."""
