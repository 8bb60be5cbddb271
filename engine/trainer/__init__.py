"""The trainer: stages and segments, commands in, events out. It alone calls Keras' `fit`."""

from engine.trainer.trainer import Trainer

__all__ = ["Trainer"]
