"""`cifar-tui demo`: compare two models on the photographs that come with the program."""

from __future__ import annotations

import argparse

from engine.api.planning import plan_demo
from tui.cli.train import train


def run(arguments: argparse.Namespace) -> int:
    """Train a pretrained and a plain model, rank them and explain the difference."""
    return train(plan_demo(), arguments, ends_on_answers=True)
