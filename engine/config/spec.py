"""The spec of a run: everything it is asked to do, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

from engine.config.ensemble import Ensemble
from engine.config.settings import KeptSettings, RecipeSettings
from engine.config.stage import Stage

GIGABYTE = 10**9


@dataclass(frozen=True)
class RunSpec(KeptSettings, RecipeSettings):
    """Everything a run is asked to do; on one machine the same spec and seed give the same run."""

    model: str
    """Catalogue name; `Ensemble` for a run that combines others."""
    dataset: str
    """A known name such as `cifar10`, or `folder:<name>` with the folder in `data_path`."""
    stages: tuple[Stage, ...]
    """One after the other."""
    image_size: int
    """Side of the network's input, pixels."""
    recipe: str = "notebook"
    """Its name; what it sets is in the other fields."""
    data_path: str | None = None
    """Path of the data; None for a known data set that is found or downloaded."""
    seed: int = 0
    """Seed of the hold-out, the order of images and views, the initial weights and dropout."""
    weights: str = "imagenet"
    """`imagenet`, `none` or a path; for a model from scratch `none` or a path; of an ensemble
    `members`."""
    checkpoint_minutes: float = 5.0
    """Minutes between checkpoints within an epoch; one is written at every epoch's end."""
    ensemble: Ensemble | None = None
    """The runs that it combines, where it trains nothing: its one stage then has no epoch, and what
    has no meaning for it is its first member's."""

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def view_count(self) -> int:
        """Views of each training image: its crops, each mirrored too where `flip` is on."""
        return self.views * (2 if self.flip else 1)

    @property
    def test_views(self) -> int:
        """Views of each test image: itself, and mirrored where `test_time_flip` is on."""
        return 2 if self.test_time_flip else 1
