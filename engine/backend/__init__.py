"""What is TensorFlow's own (or JAX's): devices, compiled functions, batches, Adam, the step."""
