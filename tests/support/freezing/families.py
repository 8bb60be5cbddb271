"""Two toggle paths that every family of the catalogue must take."""

from __future__ import annotations

from engine.backbones.catalogue import find_backbone
from engine.config.settings import BatchNorm
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.commands import Command, SetTrainable
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import head_layers, weighted
from tests.support.freezing.asked import Moment


def family_spec(model: str, batchnorm: BatchNorm, *, cache: bool = True) -> RunSpec:
    """Return three epochs of two batches: first the last 30 layers, random weights, few pixels."""
    return RunSpec(
        model=model,
        dataset="digits",
        # Random weights and no more than a few steps: a higher rate kills whole layers.
        stages=(Stage("last 30", 3, 1e-4, 30),),
        image_size=find_backbone(model).min_image_size,
        batch_size=32,
        train_limit=64,
        validation=0.2,
        weights="none",
        batchnorm=batchnorm,
        feature_cache=cache,
    )


def two_paths(tree: LayerNode) -> dict[Moment, list[Command]]:
    """Return two paths: from the last 30 layers to the head; a deep block for part of an epoch."""
    head = head_layers(tree)
    body = tuple(name for name in weighted(tree) if name not in head)
    deep = deep_block(tree)
    return {
        (1, 1): [SetTrainable(layers=body, value=False, when="epoch")],
        (2, 1): [
            SetTrainable(layers=deep, value=True, when="now"),
            SetTrainable(layers=deep, value=False, when="epoch"),
        ],
    }


def deep_block(tree: LayerNode) -> tuple[str, ...]:
    """Return the layers of the last block that has any to train; what follows is left out."""
    blocks = [node for node in _blocks(tree) if node.name != "top" and weighted(node)]
    return weighted(blocks[-1])


def _blocks(node: LayerNode) -> list[LayerNode]:
    if node.kind == "block":
        return [node]
    return [block for child in node.children for block in _blocks(child)]
