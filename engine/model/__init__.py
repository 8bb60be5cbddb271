"""Keras networks: build, show as a tree, measure, tell what trains. Knows nothing of training."""
