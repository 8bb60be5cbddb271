"""What a run looks like now, folded from its events. Never loads Keras, reads no files."""
