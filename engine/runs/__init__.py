"""The run directory: create, record, read, lock, checkpoint, resume. Never loads Keras."""
