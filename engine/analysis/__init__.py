"""Statistics over finished runs: metrics, comparisons, fronts, and the exercise's answers."""
