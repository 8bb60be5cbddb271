"""The public Python API, whose names `engine` exports; part of it serves the command line too."""
