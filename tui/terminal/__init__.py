"""The terminal: what it can, what is written to it, what it sends."""
