"""The results screen, and what it does with a run."""
