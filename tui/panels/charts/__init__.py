"""The charts: curves of a run, of several runs, and accuracy against cost.

The canvas imports NumPy, for which no first frame may wait: this package imports nothing.
"""
