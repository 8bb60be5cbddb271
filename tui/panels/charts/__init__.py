"""The charts: curves of a run, of several runs, and accuracy against cost.

The canvas imports NumPy, for which no first frame waits: this package imports nothing.
"""
