"""A queue of runs: trained here, by another process, or replayed from a record."""
