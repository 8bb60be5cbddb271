"""The parts of an architecture, counted in the layer tree that a run recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from engine.backbones.catalogue import CATALOGUE
from engine.common.text import Row
from engine.protocol.facts import LayerNode, ModelFacts
from engine.state.layer_choice import leaf_nodes

FROM_SCRATCH = frozenset(entry.name for entry in CATALOGUE if entry.from_scratch)
"""The models without pretrained weights."""
CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture(ModelFacts):
    """The facts that explain what a network costs and what it can learn."""

    convolutions: int
    """Depthwise ones included."""
    depthwise: int
    additions: int
    """Where a residual branch joins its shortcut."""
    concatenations: int
    squeeze_excite: int
    """Blocks that weigh their channels by an average over the whole feature map."""
    batch_normalizations: int
    imagenet_top1: float | None
    """Published accuracy of the catalogue's weights, 0 to 1."""

    @property
    def depthwise_share(self) -> float | None:
        """Of the convolutions, 0 to 1; None where there are none."""
        return self.depthwise / self.convolutions if self.convolutions else None


def describe_architecture(model: str, layers: LayerNode, facts: ModelFacts) -> Architecture:
    """Count the parts in a recorded layer tree.

    Args:
        model: the catalogue's name, for the published accuracy.
        layers: the tree of RunStarted.
        facts: of the same event.
    """
    found = list(leaf_nodes(layers))
    kinds = [leaf.kind for leaf in found]
    # ConvNeXt adds without a layer: each of its branches ends in a LayerScale.
    additions = kinds.count("Add") or kinds.count("LayerScale")
    return Architecture(
        **asdict(facts),
        convolutions=sum(kind in CONVOLUTIONS for kind in kinds),
        depthwise=sum(map(_is_depthwise, found)),
        additions=additions,
        concatenations=kinds.count("Concatenate"),
        squeeze_excite=sum(map(_excites, found)),
        batch_normalizations=kinds.count("BatchNormalization"),
        imagenet_top1=next((b.imagenet_top1 for b in CATALOGUE if b.name == model), None),
    )


def lacks_weights(row: Row) -> bool:
    """Whether a run began with random weights although pretrained ones exist."""
    return bool(row["weights"] == "none" and row["model"] not in FROM_SCRATCH)


def _is_depthwise(leaf: LayerNode) -> bool:
    # A depthwise convolution of ConvNeXt is a Conv2D of as many groups as channels, a separable
    # one begins with it.
    named = leaf.kind == "Conv2D" and "depthwise" in leaf.name
    return named or leaf.kind in ("DepthwiseConv2D", "SeparableConv2D")


def _excites(leaf: LayerNode) -> bool:
    return leaf.kind == "Multiply" and ("se_" in leaf.name or "squeeze" in leaf.name)
