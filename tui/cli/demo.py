"""`cifar-tui demo`: compare two models on the photographs that come with the program."""

from __future__ import annotations

import argparse

from engine.api.planning import plan
from engine.config.recipe import DEMO
from engine.config.settings import Options
from tui.cli.train import train

MODELS = ("EfficientNetLite0", "CustomCNN")


def run(arguments: argparse.Namespace) -> int:
    """Train a pretrained and a plain model, rank them and explain the difference."""
    options = Options(recipe=DEMO.name, dataset="cifar10-mini")
    return train(plan(MODELS, options), arguments, ends_on_answers=True)
