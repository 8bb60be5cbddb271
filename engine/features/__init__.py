"""The frozen prefix of a network: where it ends, its features, their cache on disk."""
