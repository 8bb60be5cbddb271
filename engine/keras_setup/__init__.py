"""Loads Keras under the settings of this program, whatever a user has set; needs only `common`."""
