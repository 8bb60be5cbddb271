"""The launcher: which models, trained how."""
