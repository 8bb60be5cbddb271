"""A file over the network: whole, hashed, resumed, cancelled. Knows nothing of what is in it."""
