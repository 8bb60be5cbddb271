"""Loads Keras with this program's settings, whatever a user has set; needs only `common`."""
