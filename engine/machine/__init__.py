"""This computer: processors, memory, GPUs, captured output, provenance. Never loads Keras."""
