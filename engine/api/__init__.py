"""The public Python API, whose names `engine` hands out; part of it serves the command line too."""
