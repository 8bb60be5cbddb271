"""One run from its spec to its summary. It alone calls Keras' `fit`, and owns the network."""
