"""The panel of this computer: CPU, memory and GPUs while a run trains."""
