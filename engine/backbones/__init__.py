"""The catalogue as data: names, sizes, facts and published weights. Never loads Keras."""
