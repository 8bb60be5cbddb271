"""Keras networks: build, show as a tree, measure, set what trains. Knows nothing of training."""
