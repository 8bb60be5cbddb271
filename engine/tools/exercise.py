"""The comparison that the exercise asks for: its models, and which of them can be trained here."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone
from engine.errors import InputError
from engine.weights.locate import check_obtainable

EXERCISE_MODELS = ("CustomCNN", "ResNet50V2", "MobileNetV2", "VGG16", "EfficientNetB0")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A model that cannot be trained here."""

    model: str
    reason: str
    """One line."""


def exercise_models(
    further: Sequence[str] = (), *, weights: str = "imagenet", image_size: int | None = None
) -> tuple[tuple[str, ...], tuple[Skipped, ...]]:
    """Return the exercise's models and further ones: those that can be trained, and those left out.

    A model is left out where its weights are neither on this machine nor available from the
    network; asking takes up to five seconds and downloads nothing. CustomCNN needs none.

    Args:
        further: names of the catalogue, in any case.
        weights: `imagenet`, or `none`, with which every model can be trained.
        image_size: pixels; each model's default when None.

    Raises:
        InputError: an unknown name, or a file of weights, which could fit only one model.
    """
    if weights not in ("imagenet", "none"):
        found = f"{weights!r}, which fits one model at most"
        raise InputError("weights", "imagenet or none for several models", found)
    names = dict.fromkeys(find_backbone(name).name for name in (*EXERCISE_MODELS, *further))
    backbones = [find_backbone(name) for name in names]
    if weights == "none":
        return tuple(names), ()

    def reason(backbone: Backbone) -> str:
        try:
            check_obtainable(backbone, image_size)
        except InputError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(backbones)) as pool:
        reasons = dict(zip(names, pool.map(reason, backbones), strict=True))
    skipped = tuple(Skipped(name, found) for name, found in reasons.items() if found)
    return tuple(name for name, found in reasons.items() if not found), skipped
