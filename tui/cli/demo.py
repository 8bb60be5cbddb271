"""`cifar-tui demo`: train and rank two models on the built-in digits; nothing to prepare."""

from __future__ import annotations

import argparse

from engine.api.planning import plan
from engine.config.recipe import DEMO
from engine.config.settings import Options
from tui.cli.train import train

MODELS = ("EfficientNetLite0", "CustomCNN")


def run(arguments: argparse.Namespace) -> int:
    """Train a pretrained and a plain model on the digits and rank them."""
    return train(plan(MODELS, Options(recipe=DEMO.name, dataset="digits")), arguments)
