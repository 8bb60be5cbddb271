"""Two or more runs side by side: whether a difference is significant, and which settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.analysis.predictions import Predictions
from engine.common.text import whole
from engine.config.recipe_words import batchnorm_words, stage_words
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.runs.listing import RunRecord

EXACT_BELOW = 25
"""Images that only one of two models got right, below which the binomial test is used; the usual
rule for the approximation by chi-square."""
SIGNIFICANT = 0.05
SMALLEST_SHOWN = 0.001


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test of two models on the same images (Psychometrika 12, 1947)."""

    only_a: int
    """Images that only the first got right."""
    only_b: int
    p_value: float
    """Probability of a difference at least as large if both were equally accurate; two-sided."""
    images: int

    @property
    def is_significant(self) -> bool:
        """Whether the difference is statistically significant, at the usual five percent."""
        return self.p_value < SIGNIFICANT


def mcnemar(a: Predictions, b: Predictions, tested_on: tuple[str, str] = ("", "")) -> McNemar:
    """Test whether two models differ in accuracy on the images that both were tested on.

    The exact binomial test for fewer than 25 images that only one got right, else chi-square of
    one degree of freedom with Edwards' continuity correction.

    Args:
        a: of the first model.
        b: of the second one.
        tested_on: fingerprints of the test images, from the records of the two runs.

    Raises:
        InputError: they were tested on different images.
    """
    import numpy as np

    expected = "two runs tested on the same images"
    if a.classes != b.classes or not np.array_equal(a.labels, b.labels):
        one, other = (f"{len(each.labels):,} of {each.classes} classes" for each in (a, b))
        found = f"images {one} and {other}, or with other labels"
        raise InputError("", expected, found, "compare runs of one data set")
    if tested_on[0] != tested_on[1]:
        found = "a folder of images that changed between the two tests"
        raise InputError("", expected, found, "train one of them again")
    a_right, b_right = a.predicted == a.labels, b.predicted == b.labels
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    return McNemar(only_a, only_b, p_value(only_a, only_b), len(a.labels))


def p_value(only_a: int, only_b: int) -> float:
    """Of McNemar's test, two-sided, from the images that only one of two models got right."""
    from scipy.stats import binomtest, chi2

    images = only_a + only_b
    if images == 0:
        return 1.0
    if images < EXACT_BELOW:
        return float(binomtest(only_a, images, 0.5).pvalue)
    statistic = max(abs(only_a - only_b) - 1, 0) ** 2 / images
    return float(chi2.sf(statistic, 1))


def p_text(p: float) -> str:
    """`p = 0.043`; `p < 0.001` for less."""
    return f"p < {SMALLEST_SHOWN}" if p < SMALLEST_SHOWN else f"p = {p:.3f}"


def chance_in_words(test: McNemar, name_a: str, name_b: str) -> str:
    """Make a sentence of what the test found."""
    images = f"{whole(test.images)} test images"
    if test.only_a == test.only_b == 0:
        return f"On the same {images}, {name_a} and {name_b} were right on exactly the same ones."
    counts = (
        f"On the same {images}, only {name_a} was right on {whole(test.only_a)} and only "
        f"{name_b} on {whole(test.only_b)}"
    )
    verdict = "is" if test.is_significant else "is not"
    how = f"McNemar's test, {p_text(test.p_value)}"
    return f"{counts}: the difference {verdict} statistically significant ({how})."


def differing_settings(runs: Sequence[RunRecord]) -> list[tuple[str, tuple[str, ...]]]:
    """List the settings in which these runs differ: the name, and its value for every run."""
    specs = [run.file.spec for run in runs]
    rows = [(name, tuple(text(spec) for spec in specs)) for name, text in _SETTINGS.items()]
    rows.append(("device", tuple(run.summary.device or run.file.spec.device for run in runs)))
    rows.append(("machine", tuple(run.file.origin.host for run in runs)))
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


_SETTINGS: dict[str, Callable[[RunSpec], str]] = {
    "model": lambda spec: spec.model,
    "members": lambda spec: ", ".join(spec.ensemble.run_ids) if spec.ensemble else "none",
    "data": lambda spec: spec.dataset,
    "recipe": lambda spec: spec.recipe,
    "stages": lambda spec: (
        spec.ensemble.words if spec.ensemble else " → ".join(map(stage_words, spec.stages))
    ),
    "image size": lambda spec: f"{spec.image_size} px",
    "batch size": lambda spec: str(spec.batch_size),
    "training images": lambda spec: whole(spec.train_limit) if spec.train_limit else "all",
    "validation": lambda spec: (
        "test split" if spec.validation == "test" else f"{spec.validation:g} held out"
    ),
    "weights": lambda spec: spec.weights,
    "BatchNormalization": lambda spec: batchnorm_words(spec.batchnorm),
    "mirrored": lambda spec: _yes_no(spec.flip),
    "crops": lambda spec: str(spec.views),
    "label smoothing": lambda spec: f"{spec.label_smoothing:g}",
    "mirrored at the test": lambda spec: _yes_no(spec.test_time_flip),
    "kept weights": lambda spec: spec.keep,
    "patience": lambda spec: str(spec.patience or "none"),
    "precision": lambda spec: spec.precision,
    "kept features": lambda spec: _yes_no(spec.feature_cache),
    "seed": lambda spec: str(spec.seed),
}
