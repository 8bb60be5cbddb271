"""Images in: find, verify, read, split, augment. Knows nothing of networks."""
