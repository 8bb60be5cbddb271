"""The training screen, and the keys that change the current run."""
