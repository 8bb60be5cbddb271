"""The stage and block of each layer of a backbone, by the layers' names."""

from __future__ import annotations

import re
from dataclasses import dataclass

STEM = "stem"
TOP = "top"
HEAD_POOL = "head_pool"
HEAD_DROPOUT = "head_dropout"
HEAD_DENSE = "head_dense"
"""The last layer, one unit per class: networks of this program are recognized by it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a layer; `stage` is None where names do not show it."""

    block: str
    stage: str | None = None


# Pattern, block, stage; the first that matches decides.
_PATTERNS = (
    # Last layers. Inception and V3 have others besides these without a name.
    (r"(?:top|post|conv_7b)_|conv_7b$|Conv_1|out_relu$|conv_1(?:_bn)?$|bn$|relu$", TOP, None),
    (r"layer_normalization$", TOP, None),
    (r"convnext_\w+_downsampling_block_(\d+)$", "downsampling {0}", "stage {0+1}"),
    (r"convnext_\w+_stage_(\d+)_block_(\d+)_", "block {1}", "stage {0}"),
    (r"convnext_\w+_(?:pre)?stem(?:_|$)", STEM, None),
    (r"conv(\d+)_block(\d+)_", "block {1}", "stage {0}"),  # ResNet, DenseNet
    (r"pool([2-9])_(?:bn|relu|conv|pool)$", "transition", "stage {0}"),  # DenseNet
    (r"block(\d+)([a-z])_", "block {0}{1}", "stage {0}"),  # EfficientNet
    (r"block_(\d+)_", "block {0}", None),  # MobileNetV2
    (r"expanded_conv_(\d+)_", "block {0}", None),  # MobileNetV3
    (r"expanded_conv_", "block 0", None),  # MobileNetV2 and V3, the first
    (r"conv_(?:dw|pw|pad)_(\d+)", "block {0}", None),  # MobileNet
    (r"block(\d+)_(\d+)_", "block{0} {1}", None),  # InceptionResNetV2
    (r"block(\d+)_", "block {0}", None),  # VGG, Xception, CustomCNN
    (r"mixed9_1$", "mixed 10", None),  # Inception, as Keras counts from the ninth
    (r"mixed_?(\d+[a-z]?)", "mixed {0}", None),  # Inception
    (r"(?:\w+_)?(?:normal|reduction|adjust)_\w+?_stem_(\d+)$", "cell stem {0}", None),  # NASNet
    (r"(?:\w+_)?(?:normal|reduction|adjust)_\w+?_reduce_(\d+)$", "reduction {0}", None),
    (r"(?:\w+_)?(?:normal|adjust)_\w+?_(\d+)$", "cell {0}", None),
    (r"stem_|Conv1|bn_Conv1|conv1(?:_|$)|pool1(?:_|$)|conv(?:_bn)?$", STEM, None),
    (r"max_pooling2d(?:_1)?$", STEM, None),  # Inception
)
_COMPILED = tuple((re.compile(pattern), block, stage) for pattern, block, stage in _PATTERNS)


def place_by_name(name: str) -> Place | None:
    """Return the place of a layer of this name; None where its name does not show it."""
    for pattern, block, stage in _COMPILED:
        if match := pattern.match(name):
            found = match.groups()
            return Place(_fill(block, found), None if stage is None else _fill(stage, found))
    return None


def _fill(text: str, found: tuple[str, ...]) -> str:
    # "{0+1}": ConvNeXt's downsampling block 0 comes before stage 1.
    if "{0+1}" in text:
        text = text.replace("{0+1}", str(int(found[0]) + 1))
    return text.format(*found)


def place_layers(names: list[str]) -> list[Place]:
    """Return the place of each layer; one whose name does not show it joins its neighbours.

    Args:
        names: of a backbone's layers, in topological order.
    """
    known = [place_by_name(name) for name in names]
    following = _next_known(names, known)
    places: list[Place] = []
    before = Place(STEM)
    for place, (after, closes) in zip(known, following, strict=True):
        # Inception names only a block's last layers: unnamed ones before them belong to it.
        before = place or (after if after is not None and closes else before)
        places.append(before)
    return places


def _next_known(names: list[str], known: list[Place | None]) -> list[tuple[Place | None, bool]]:
    """Return for each layer the next place that a name shows, and whether it closes its block."""
    following: list[tuple[Place | None, bool]] = []
    after: tuple[Place | None, bool] = (None, False)
    for name, place in zip(reversed(names), reversed(known), strict=True):
        if place is not None:
            after = (place, "mixed" in name or place.block == STEM)
        following.append(after)
    return following[::-1]
