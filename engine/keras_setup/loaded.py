"""Keras for modules that need it at import time: importing this loads it, with our settings."""

from __future__ import annotations

from engine.keras_setup.loading import load_keras

load_keras()

import keras  # noqa: E402
from keras import layers, ops  # noqa: E402

__all__ = ["keras", "layers", "ops"]
