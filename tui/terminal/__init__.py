"""The terminal: what it can do, what is written to it, what it sends."""
