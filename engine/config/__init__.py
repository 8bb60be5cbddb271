"""What a run is asked to do: spec, recipes, options and limits, planning. Never loads Keras."""
