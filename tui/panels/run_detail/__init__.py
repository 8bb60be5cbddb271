"""One run in full, a tab for each question: curves, facts, mistakes, times, layers."""
