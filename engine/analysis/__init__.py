"""What stored predictions and records tell: metrics, comparisons, fronts, and the answers."""
